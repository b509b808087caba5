// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Server } from "@nanoscale/contracts";
import { EllipsisIcon, KeyRoundIcon, LogOutIcon, Trash2Icon, Undo2Icon } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { DrainDialog } from "./drain-dialog";
import { RemoveDialog } from "./remove-dialog";
import { useRotateKey, useUndrain } from "./mutations";

/** What can be done with a server. The orchestrator can neither be removed, nor has it a key with itself. */
export function ServerActions({ server, orchestrator }: { server: Server; orchestrator: boolean }) {
  const [dialog, setDialog] = useState<"drain" | "remove" | null>(null);
  const undrain = useUndrain(server);
  const rotate = useRotateKey(server);
  const close = (open: boolean) => (open ? undefined : setDialog(null));
  return (
    <>
      {server.draining ? (
        <Button variant="secondary" busy={undrain.isPending} onClick={() => undrain.mutate()}>
          <Undo2Icon aria-hidden /> Take projects again
        </Button>
      ) : (
        <Button variant="secondary" onClick={() => setDialog("drain")}>
          <LogOutIcon aria-hidden /> Drain
        </Button>
      )}
      {orchestrator ? null : (
        <DropdownMenu>
          <DropdownMenuTrigger asChild>
            <Button variant="secondary" size="icon" aria-label="More actions">
              <EllipsisIcon aria-hidden />
            </Button>
          </DropdownMenuTrigger>
          <DropdownMenuContent>
            <DropdownMenuItem disabled={rotate.isPending} onSelect={() => rotate.mutate()}>
              <KeyRoundIcon aria-hidden /> Rotate its key
            </DropdownMenuItem>
            <DropdownMenuSeparator />
            <DropdownMenuItem tone="danger" onSelect={() => setDialog("remove")}>
              <Trash2Icon aria-hidden /> Remove from the cluster
            </DropdownMenuItem>
          </DropdownMenuContent>
        </DropdownMenu>
      )}
      <DrainDialog server={server} moving={server.projects} open={dialog === "drain"} onOpenChange={close} />
      <RemoveDialog server={server} open={dialog === "remove"} onOpenChange={close} />
    </>
  );
}
