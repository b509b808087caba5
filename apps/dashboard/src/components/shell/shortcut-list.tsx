// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Kbd } from "@/components/ui/kbd";
import { NAV } from "./nav";

const KEYS: readonly (readonly [string, readonly string[]])[] = [
  ["Search and commands", ["Ctrl", "K"]],
  ...NAV.map(({ label, key }) => [label, ["g", key]] as const),
  ["New project", ["n"]],
  ["Read a chart", ["←", "→"]],
  ["Close what is on top", ["Esc"]],
  ["This list", ["?"]],
];

export function ShortcutList({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange}>
      <DialogContent title="Keyboard shortcuts">
        <dl className="divide-y text-sm">
          {KEYS.map(([label, keys]) => (
            <div key={label} className="flex items-center justify-between gap-4 py-2">
              <dt>{label}</dt>
              <dd className="flex gap-1">
                {keys.map((key) => (
                  <Kbd key={key}>{key}</Kbd>
                ))}
              </dd>
            </div>
          ))}
        </dl>
      </DialogContent>
    </Dialog>
  );
}
