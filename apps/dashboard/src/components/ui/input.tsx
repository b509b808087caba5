// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { EyeIcon, EyeOffIcon } from "lucide-react";
import { useState } from "react";
import { cn } from "@/lib/cn";
import { useFieldControl } from "./field";

/** 16 px on touch, or a phone zooms in at the first tap. */
export const INPUT =
  "w-full min-w-0 rounded-md border border-input bg-background px-3 text-sm placeholder:text-muted-foreground/80 disabled:opacity-60 aria-invalid:border-danger pointer-coarse:text-base";

export function Input({ className, ...p }: React.ComponentProps<"input">) {
  return <input {...useFieldControl()} className={cn(INPUT, "h-9 pointer-coarse:h-11", className)} {...p} />;
}

export function PasswordInput({ className, ...p }: Omit<React.ComponentProps<"input">, "type">) {
  const [shown, setShown] = useState(false);
  return (
    <div className="relative">
      <Input
        type={shown ? "text" : "password"}
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        className={cn("pr-11", className)}
        {...p}
      />
      <button
        type="button"
        aria-pressed={shown}
        aria-label="Show what is typed"
        onClick={() => setShown(!shown)}
        className="absolute inset-y-0 right-0 grid w-10 place-items-center rounded-md text-muted-foreground hover:text-foreground"
      >
        {shown ? <EyeOffIcon aria-hidden className="size-4" /> : <EyeIcon aria-hidden className="size-4" />}
      </button>
    </div>
  );
}
