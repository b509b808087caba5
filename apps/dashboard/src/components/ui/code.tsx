// SPDX-License-Identifier: AGPL-3.0-or-later
import { cn } from "@/lib/cn";
import { CopyButton } from "./copy-button";

/** One line to copy: a command, a key, a DNS record. It scrolls, or wraps where all of it should be seen. */
export function Code({
  value,
  label,
  wrap,
  className,
}: {
  value: string;
  label: string;
  wrap?: boolean;
  className?: string;
}) {
  return (
    <div
      className={cn(
        "flex min-w-0 items-start gap-1 rounded-md border bg-background py-1 pr-1 pl-3",
        className,
      )}
    >
      <code
        tabIndex={0}
        className={cn(
          "min-w-0 flex-1 py-1 font-mono text-xs leading-5",
          wrap ? "break-all" : "overflow-x-auto whitespace-nowrap",
        )}
      >
        {value}
      </code>
      <CopyButton value={value} label={label} />
    </div>
  );
}
