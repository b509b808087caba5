// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2Icon } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { ConfirmDialog } from "@/components/ui/confirm";
import { call, part } from "@/lib/api";
import { dropProject } from "@/lib/events";
import { count } from "@/lib/format";
import { toast } from "@/lib/toast";
import { isMoving } from "../projects/choose";

function useDelete({ id, name }: Project) {
  const client = useQueryClient();
  const router = useRouter();
  return useMutation({
    mutationFn: () => call<null>("DELETE", `/projects/${part(name)}`),
    onSuccess: () => {
      router.replace("/projects");
      dropProject(client, id);
      toast.success(`${name} was deleted`);
    },
  });
}

function goes({ domains, env_count: variables }: Project): string {
  const also = [
    domains.length > 0 ? `${count(domains.length, "domain")} with their certificates` : null,
    variables > 0 ? count(variables, "variable") : null,
  ].filter((text) => text !== null);
  return ["its releases", "its logs", "the files that the app stored", ...also].join(", ");
}

export function DangerTab({ project }: { project: Project }) {
  const [open, setOpen] = useState(false);
  const remove = useDelete(project);
  const hindrance =
    project.status === "unreachable"
      ? `${project.server} has to be reachable for that.`
      : isMoving(project)
        ? "It moves. When its old place is removed, it can be deleted."
        : null;
  return (
    <Card className="border-danger/40">
      <CardHeader>
        <CardTitle>Delete {project.name}</CardTitle>
      </CardHeader>
      <CardBody className="grid gap-4 text-sm">
        <p>
          The app is stopped, and with it go {goes(project)}. The repository stays as it is. This cannot be
          undone.
        </p>
        <Button
          variant="danger"
          className="w-fit"
          disabled={hindrance !== null}
          onClick={() => setOpen(true)}
        >
          <Trash2Icon aria-hidden /> Delete the project
        </Button>
        {hindrance ? <p className="text-muted-foreground">{hindrance}</p> : null}
      </CardBody>
      <ConfirmDialog
        open={open}
        onOpenChange={setOpen}
        title={`Delete ${project.name}?`}
        description="Visitors get nothing from it any more, from now on."
        confirmLabel="Delete"
        typed={project.name}
        onConfirm={() => remove.mutateAsync()}
      />
    </Card>
  );
}
