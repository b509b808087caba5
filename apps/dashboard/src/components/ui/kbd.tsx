// SPDX-License-Identifier: AGPL-3.0-or-later
import { cn } from "@/lib/cn";

export function Kbd({ className, ...p }: React.ComponentProps<"kbd">) {
  return (
    <kbd
      className={cn(
        "inline-grid min-w-5 place-items-center rounded border bg-muted px-1.5 font-mono text-xs text-muted-foreground",
        className,
      )}
      {...p}
    />
  );
}
