// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useLeaveWarning } from "@/lib/leave";
import { Button } from "./button";
import { Notice } from "./problem";

/** Below a form that has been changed: what was changed, when that counts, save and discard. Nothing while nothing is changed. */
export function SaveBar({
  changes,
  effect,
  busy,
  error,
  saveLabel = "Save",
  onSave,
  onDiscard,
}: {
  /** Names of what differs, as the form calls them. */
  changes: string[];
  effect?: React.ReactNode;
  busy?: boolean;
  error?: Error | null;
  saveLabel?: string;
  onSave: () => void;
  onDiscard: () => void;
}) {
  useLeaveWarning(changes.length > 0);
  if (changes.length === 0) return null;
  return (
    <div className="sticky bottom-4 z-30 mt-6 grid gap-3 rounded-xl border bg-elevated p-3 pl-5 text-sm shadow-xl">
      {error ? <Notice role="alert">{error.message}</Notice> : null}
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div role="status" className="min-w-0 flex-1 basis-60">
          <p className="font-medium break-words">Changed: {changes.join(", ")}</p>
          {effect ? <p className="text-muted-foreground">{effect}</p> : null}
        </div>
        <div className="ml-auto flex gap-2">
          <Button variant="ghost" disabled={busy} onClick={onDiscard}>
            Discard
          </Button>
          <Button busy={busy} onClick={onSave}>
            {saveLabel}
          </Button>
        </div>
      </div>
    </div>
  );
}
