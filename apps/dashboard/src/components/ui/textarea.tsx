// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { cn } from "@/lib/cn";
import { useFieldControl } from "./field";
import { INPUT } from "./input";

export function Textarea({ className, ...p }: React.ComponentProps<"textarea">) {
  return (
    <textarea rows={4} {...useFieldControl()} className={cn(INPUT, "py-2 leading-5", className)} {...p} />
  );
}
