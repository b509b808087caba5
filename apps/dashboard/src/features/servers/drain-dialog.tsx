// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Server } from "@nanoscale/contracts";
import { useState } from "react";
import { ConfirmDialog } from "@/components/ui/confirm";
import { Field } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { count } from "@/lib/format";
import { useDrain } from "./mutations";

const LINGERS = [
  [0, "Not at all"],
  [300, "5 minutes"],
  [3600, "An hour"],
  [86_400, "A day"],
  [604_800, "A week"],
] as const;

/** `moving`: how many projects do not move yet. */
export function DrainDialog({
  server,
  moving,
  open,
  onOpenChange,
}: {
  server: Server;
  moving: number;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const drain = useDrain(server);
  const [linger, setLinger] = useState(300);
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Drain ${server.name}?`}
      description={
        moving > 0
          ? `It takes no new projects, and ${count(moving, "project")} on it ${moving === 1 ? "moves" : "move"} to the other servers, each to the one with the fewest.`
          : "It takes no new projects. Nothing has to move."
      }
      confirmLabel="Drain"
      tone="primary"
      onConfirm={() => drain.mutateAsync(linger)}
    >
      {moving > 0 ? (
        <>
          <Field
            label="The old place goes on serving for"
            hint="For visitors whose name servers still point there."
          >
            <Select value={linger} onChange={(event) => setLinger(Number(event.target.value))}>
              {LINGERS.map(([seconds, label]) => (
                <option key={seconds} value={seconds}>
                  {label}
                </option>
              ))}
            </Select>
          </Field>
          <p>
            <b className="font-medium">Files in data directories do not move</b>, and are removed with the old
            place: save them first. Each project serves from here until it is healthy there.
          </p>
        </>
      ) : null}
    </ConfirmDialog>
  );
}
