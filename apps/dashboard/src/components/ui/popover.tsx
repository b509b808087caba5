// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { Popover as P } from "radix-ui";
import { cn } from "@/lib/cn";

export const Popover = P.Root;
export const PopoverTrigger = P.Trigger;
export const PopoverClose = P.Close;

export function PopoverContent({ className, ...p }: React.ComponentProps<typeof P.Content>) {
  return (
    <P.Portal>
      <P.Content
        sideOffset={6}
        align="end"
        collisionPadding={8}
        className={cn(
          "z-50 w-96 max-w-[calc(100vw-1rem)] rounded-lg border bg-elevated p-4 text-sm shadow-xl data-[state=open]:animate-in data-[state=open]:fade-in-0 data-[state=open]:zoom-in-95",
          className,
        )}
        {...p}
      />
    </P.Portal>
  );
}
