// SPDX-License-Identifier: AGPL-3.0-or-later
import { cn } from "@/lib/cn";

/** Scrolls sideways in its own box, by keyboard too. `label` names it for screen readers. */
export function Table({ label, className, ...p }: React.ComponentProps<"table"> & { label: string }) {
  return (
    <div role="region" aria-label={label} tabIndex={0} className="relative overflow-x-auto rounded-[inherit]">
      <table className={cn("w-full text-left text-sm", className)} {...p} />
    </div>
  );
}
export function TableHead({
  columns,
}: {
  /** `hidden`: only said; `wide`: not on a phone, where its cells are hidden, too. */
  columns: (string | { label: string; hidden?: true; end?: true; wide?: true })[];
}) {
  return (
    <thead className="text-xs text-muted-foreground">
      <tr className="border-b">
        {columns.map((column) => {
          const { label, hidden, end, wide } = typeof column === "string" ? { label: column } : column;
          return (
            <th
              key={label}
              scope="col"
              className={cn(
                "px-5 py-2.5 font-medium whitespace-nowrap",
                end && "text-right",
                wide && "max-sm:hidden",
              )}
            >
              {hidden ? <span className="sr-only">{label}</span> : label}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
export function TableBody({ className, ...p }: React.ComponentProps<"tbody">) {
  return <tbody className={cn("divide-y", className)} {...p} />;
}
export function TableRow({ className, ...p }: React.ComponentProps<"tr">) {
  return <tr className={cn("hover:bg-muted/40", className)} {...p} />;
}
export function TableCell({ className, ...p }: React.ComponentProps<"td">) {
  return <td className={cn("px-5 py-3 align-middle", className)} {...p} />;
}
