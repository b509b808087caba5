// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Deployment, Project, ProjectSettings } from "@nanoscale/contracts";
import { useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { ApiError, call, part } from "@/lib/api";
import { putProject } from "@/lib/events";
import { useGo } from "@/lib/leave";
import { toast } from "@/lib/toast";

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const ID_LENGTH = 12;

/** The id that a deployment will have. Asked again with it after a lost answer, the API begins nothing new. */
export function newDeploymentId(): string {
  // 252 is the greatest multiple of 36 below 256: every letter is as likely as the others.
  let id = "";
  while (id.length < ID_LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(ID_LENGTH * 2)))
      if (byte < 252 && id.length < ID_LENGTH) id += LETTERS.charAt(byte % LETTERS.length);
  }
  return id;
}

const isLost = (error: Error) =>
  error instanceof ApiError && (error.status === 0 || error.type === "server-unreachable");
const retry = (times: number, error: Error) => times < 2 && isLost(error);

export type Begin =
  | { what: "deployments"; branch?: string; commit?: string }
  | { what: "rollback"; release?: number }
  | { what: "restart" };

function remember(client: QueryClient, deployment: Deployment) {
  client.setQueryData<Deployment>(["deployment", deployment.id], deployment);
  void client.invalidateQueries({ queryKey: ["deployments"] });
  void client.invalidateQueries({ queryKey: ["project", deployment.project] });
}

/** Begins a deployment, a rollback or a restart. `id` stays the same while the same call is tried again. */
export function useBegin(name: string) {
  const client = useQueryClient();
  return useMutation({
    retry,
    mutationFn: ({ what, ...body }: Begin & { id: string }) =>
      call<Deployment>("POST", `/projects/${part(name)}/${what}`, body),
    onSuccess: (deployment) => remember(client, deployment),
  });
}

export const deploymentPath = (d: Pick<Deployment, "project" | "id">) =>
  `/projects/${part(d.project)}/deployments/${part(d.id)}`;

const REFUSED = {
  deployments: "was not deployed",
  rollback: "was not rolled back",
  restart: "was not restarted",
} as const;

/** The same, and on to its page; what the API refuses is told in a corner. */
export function useBeginAndWatch(name: string) {
  const client = useQueryClient();
  const go = useGo();
  // What follows is said here, not where it is called: whoever called may be gone from the screen by then.
  const begin = useMutation({
    retry,
    mutationFn: ({
      changes,
      id,
      what,
      ...body
    }: Begin & { id: string; changes?: Partial<ProjectSettings> }) =>
      change(client, name, changes).then(() =>
        call<Deployment>("POST", `/projects/${part(name)}/${what}`, { ...body, id }),
      ),
    onSuccess: (deployment) => {
      remember(client, deployment);
      go(deploymentPath(deployment));
    },
    onError: (error, { what }) => toast.error(`${name} ${REFUSED[what]}`, error),
  });
  return {
    isPending: begin.isPending,
    /** `changes` of the settings are made before. */
    run: (what: Begin, changes?: Partial<ProjectSettings>) =>
      begin.mutate({ ...what, changes, id: newDeploymentId() }),
  };
}

async function change(client: QueryClient, name: string, changes: Partial<ProjectSettings> | undefined) {
  if (!changes) return;
  putProject(client, await call<Project>("PATCH", `/projects/${part(name)}`, changes));
}

export function useCancel(deployment: Pick<Deployment, "id" | "project">) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call<Deployment>("POST", `/deployments/${part(deployment.id)}/cancel`),
    onSuccess: (changed) => remember(client, changed),
    onError: (error) => toast.error("It was not canceled", error),
  });
}

export function useSleep(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call<Project>("POST", `/projects/${part(name)}/sleep`, {}),
    onSuccess: (project) => {
      putProject(client, project);
      toast.success(`${name} sleeps`, { detail: "The next request wakes it." });
    },
    onError: (error) => toast.error(`${name} does not sleep`, error),
  });
}

export function useWake(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call<Project>("POST", `/projects/${part(name)}/wake`, {}),
    onSuccess: (project) => {
      putProject(client, project);
      void client.invalidateQueries({ queryKey: ["wakes", project.id] });
      toast.success(`${name} is awake`);
    },
    onError: (error) => toast.error(`${name} was not woken`, error),
  });
}
