// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { ChevronDownIcon } from "lucide-react";
import { cn } from "@/lib/cn";
import { useFieldControl } from "./field";
import { INPUT } from "./input";

/** The browser's own: it costs nothing, and a phone shows its own wheel. Children are <option>s. */
export function Select({ className, children, ...p }: React.ComponentProps<"select">) {
  return (
    <div className="relative min-w-0">
      <select
        {...useFieldControl()}
        className={cn(
          INPUT,
          "h-9 appearance-none truncate pr-9 pointer-coarse:h-11 [&>option]:bg-elevated",
          className,
        )}
        {...p}
      >
        {children}
      </select>
      <ChevronDownIcon
        aria-hidden
        className="pointer-events-none absolute top-1/2 right-3 size-4 -translate-y-1/2 text-muted-foreground"
      />
    </div>
  );
}
