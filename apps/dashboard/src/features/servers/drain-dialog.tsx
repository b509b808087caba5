// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Server } from "@nanoscale/contracts";
import { useState } from "react";
import { ConfirmDialog } from "@/components/ui/confirm";
import { count } from "@/lib/format";
import { LingerField, STANDARD_LINGER } from "./linger";
import { useDrain } from "./mutations";

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
  const [linger, setLinger] = useState(STANDARD_LINGER);
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
          <LingerField value={linger} onChange={setLinger} />
          <p>
            <b className="font-medium">Files in data directories do not move</b>, and are removed with the old
            place: save them first. Each project serves from here until it is healthy there.
          </p>
        </>
      ) : null}
    </ConfirmDialog>
  );
}
