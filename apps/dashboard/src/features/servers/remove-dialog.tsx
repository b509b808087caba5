// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Server } from "@nanoscale/contracts";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { Checkbox } from "@/components/ui/checkbox";
import { ConfirmDialog } from "@/components/ui/confirm";
import { count } from "@/lib/format";
import { useRemove } from "./mutations";

export function RemoveDialog({
  server,
  open,
  onOpenChange,
}: {
  server: Server;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const router = useRouter();
  const remove = useRemove(server);
  const [force, setForce] = useState(false);
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Remove ${server.name} from the cluster?`}
      description="It is no longer managed from here, and its key is good no more. Nothing on the machine is deleted. To have it back, it has to join again."
      confirmLabel="Remove"
      typed={server.name}
      onConfirm={async () => {
        await remove.mutateAsync(force);
        router.replace("/servers");
      }}
    >
      {server.projects > 0 ? (
        <Checkbox
          checked={force}
          onCheckedChange={setForce}
          label={`Forget ${count(server.projects, "project")} on it`}
          hint="They go on there as they are, but nobody can deploy, see or stop them from here. Drain the server first to keep them."
        />
      ) : null}
    </ConfirmDialog>
  );
}
