// SPDX-License-Identifier: AGPL-3.0-or-later
import { Meter } from "@/components/ui/progress";
import { percent, share } from "@/lib/format";

/** How much of something is used: words, and a bar. Nothing is drawn of what is not known. */
export function UsageBar({
  label,
  used,
  total,
  format,
}: {
  label: string;
  used: number | null;
  total: number;
  format: (value: number) => string;
}) {
  const value = used === null ? null : share(used, total);
  return (
    <div className="grid gap-1.5">
      <div className="flex justify-between gap-3">
        <span className="text-muted-foreground">{label}</span>
        <span className="tabular-nums">
          {used === null ? "not known" : `${format(used)} of ${format(total)}`}
        </span>
      </div>
      {value === null || used === null ? null : (
        <Meter value={value} label={label} text={`${percent(value)}, ${format(used)} of ${format(total)}`} />
      )}
    </div>
  );
}

/** The same for a cell of a table: the percentage, and a short bar. */
export function UsageCell({ label, value, text }: { label: string; value: number | null; text: string }) {
  if (value === null) return <span className="text-muted-foreground">–</span>;
  return (
    <span className="grid w-20 gap-1" title={text}>
      <span className="text-xs tabular-nums">{percent(value)}</span>
      <Meter value={value} label={label} text={text} />
    </span>
  );
}
