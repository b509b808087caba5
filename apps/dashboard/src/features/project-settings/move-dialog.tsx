// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project, Server } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ConfirmDialog } from "@/components/ui/confirm";
import { Field } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { call, part } from "@/lib/api";
import { putProject } from "@/lib/events";
import { toast } from "@/lib/toast";
import { LingerField, STANDARD_LINGER } from "../servers/linger";
import { roomiest } from "../servers/open";
import { PointDns } from "./point-dns";

function useMove({ name }: Project) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { server: string; linger_seconds: number }) =>
      call<Project>("POST", `/projects/${part(name)}/move`, body),
    onSuccess: (project, { server }) => {
      putProject(client, project);
      toast.success(`${name} moves to ${server}`);
    },
  });
}

export function MoveDialog({
  project,
  targets,
  onClose,
}: {
  project: Project;
  targets: Server[];
  onClose: () => void;
}) {
  const move = useMove(project);
  const [chosen, setChosen] = useState(() => roomiest(targets)?.name ?? "");
  const [linger, setLinger] = useState(STANDARD_LINGER);
  const target = targets.find((s) => s.name === chosen);
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => (open ? undefined : onClose())}
      title={`Move ${project.name} to another server?`}
      confirmLabel="Move"
      tone="primary"
      typed={project.name}
      onConfirm={() => move.mutateAsync({ server: chosen, linger_seconds: linger })}
    >
      <Field label="To">
        <Select value={chosen} onChange={(event) => setChosen(event.target.value)}>
          {targets.map(({ id, name }) => (
            <option key={id} value={name}>
              {name}
            </option>
          ))}
        </Select>
      </Field>
      <LingerField value={linger} onChange={setLinger} />
      <p>
        <b className="font-medium">Files in its data directory do not move</b>, and are removed with the old
        place: save them first.
        {project.domains.some((d) => d.source === "own")
          ? " Your own certificates you upload again when it is there."
          : null}
      </p>
      {target ? (
        <p className="text-muted-foreground">
          The DNS is yours: when it serves there, <PointDns project={project} server={target} />
        </p>
      ) : null}
    </ConfirmDialog>
  );
}
