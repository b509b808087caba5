// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Deployment, Project, ProjectDraft } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { call, part } from "@/lib/api";
import { putProject } from "@/lib/events";
import { toast } from "@/lib/toast";
import { deploymentPath, newDeploymentId } from "../mutations";

/** Creates the project and deploys it, and on to the live build; to the project where only the second did not work. */
export function useCreate() {
  const client = useQueryClient();
  const router = useRouter();
  return useMutation({
    mutationFn: async (draft: ProjectDraft) => {
      const project = await call<Project>("POST", "/projects", draft);
      putProject(client, project);
      try {
        const path = `/projects/${part(project.name)}/deployments`;
        const deployment = await call<Deployment>("POST", path, { id: newDeploymentId() });
        client.setQueryData<Deployment>(["deployment", deployment.id], deployment);
        void client.invalidateQueries({ queryKey: ["deployments"] });
        return deploymentPath(deployment);
      } catch (error) {
        toast.error(`${project.name} was created, but not deployed`, error instanceof Error ? error : null);
        return `/projects/${part(project.name)}`;
      }
    },
    onSuccess: (path) => router.push(path),
  });
}
