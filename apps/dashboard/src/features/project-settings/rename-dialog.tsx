// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { projectName, type Project } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ConfirmDialog } from "@/components/ui/confirm";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { call, part } from "@/lib/api";
import { putProject } from "@/lib/events";
import { toast } from "@/lib/toast";

function useRename() {
  const client = useQueryClient();
  return useMutation({
    // The name of before comes along: by the answer, the stream may have changed it on this page.
    mutationFn: ({ id, name }: { id: string; name: string; old: string }) =>
      call<Project>("PATCH", `/projects/${part(id)}`, { name }),
    onSuccess: (project, { old }) => {
      putProject(client, project);
      toast.success(`${old} is called ${project.name} now`, { detail: `Its address is ${project.host}.` });
    },
  });
}

function problemOf(name: string, old: string): string | null {
  if (name === old) return "That is its name";
  return projectName.safeParse(name).error?.issues[0]?.message ?? null;
}

export function RenameDialog({ project, onClose }: { project: Project; onClose: () => void }) {
  const rename = useRename();
  const [name, setName] = useState(project.name);
  const problem = problemOf(name, project.name);
  const base = project.host.slice(project.host.indexOf(".") + 1);
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => (open ? undefined : onClose())}
      title={`Rename ${project.name}`}
      confirmLabel="Rename"
      tone="primary"
      ready={problem === null}
      onConfirm={() => rename.mutateAsync({ id: project.id, name, old: project.name })}
    >
      <Field
        label="New name"
        hint={problem === null ? `Its address is ${name}.${base} then` : undefined}
        error={name === project.name ? null : problem}
      >
        <Input
          value={name}
          onChange={(event) => setName(event.target.value)}
          onFocus={(event) => event.target.select()}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
      </Field>
      <p>
        <b className="font-medium">Nobody is served at {project.host} any more</b>, at once: links to it have
        to be changed.
        {project.domains.length > 0 ? " Its domains stay." : null} Releases, variables and data stay, and the
        app goes on running.
      </p>
    </ConfirmDialog>
  );
}
