// SPDX-License-Identifier: AGPL-3.0-or-later
import { cn } from "@/lib/cn";
import { strength } from "./strength";

const COLOURS = ["bg-muted-foreground", "bg-danger", "bg-warning", "bg-success"] as const;

/** Three bars and a word for the password that is being typed. */
export function StrengthHint({ password }: { password: string }) {
  if (password === "") return <>At least 12 characters. A sentence is good, and easy to remember.</>;
  const { level, words } = strength(password);
  return (
    <span className="flex items-center gap-2">
      <span aria-hidden className="flex gap-1">
        {[1, 2, 3].map((bar) => (
          <i key={bar} className={cn("h-1 w-8 rounded-full", bar <= level ? COLOURS[level] : "bg-muted")} />
        ))}
      </span>
      <span role="status">{words}</span>
    </span>
  );
}
