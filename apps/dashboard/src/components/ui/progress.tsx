// SPDX-License-Identifier: AGPL-3.0-or-later
import { cn } from "@/lib/cn";

const FULL = 90;
const FILLING = 75;

/** How full something is. Drawn in SVG: an attribute style= would not pass the Content-Security-Policy of an export. */
export function Meter({
  value,
  label,
  text,
  plain,
  className,
}: {
  /** 0 to 100. */
  value: number;
  label: string;
  /** What the value says in words, read out. */
  text: string;
  /** Without warning colours: where being full is no trouble. */
  plain?: boolean;
  className?: string;
}) {
  const length = Math.min(100, Math.max(0, value));
  const colour = plain || length < FILLING ? "text-primary" : length < FULL ? "text-warning" : "text-danger";
  return (
    <svg
      role="meter"
      aria-label={label}
      aria-valuenow={Math.round(length)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={text}
      viewBox="0 0 100 4"
      preserveAspectRatio="none"
      className={cn("block h-1.5 w-full overflow-hidden rounded-full bg-muted", colour, className)}
    >
      <rect width={length} height="4" fill="currentColor" />
    </svg>
  );
}
