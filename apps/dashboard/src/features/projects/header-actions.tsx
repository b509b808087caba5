// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Deployment, Project } from "@nanoscale/contracts";
import { useQueryClient } from "@tanstack/react-query";
import {
  EllipsisIcon,
  ExternalLinkIcon,
  MoonIcon,
  RocketIcon,
  RotateCwIcon,
  SunIcon,
  Undo2Icon,
  type LucideIcon,
} from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { useGo } from "@/lib/leave";
import { toast } from "@/lib/toast";
import { isMoving } from "./choose";
import { deploymentPath, newDeploymentId, useBegin, useBeginAndWatch, useSleep, useWake } from "./mutations";
import { RollbackDialog } from "./rollback-dialog";

type Action = {
  label: string;
  icon: LucideIcon;
  busy?: boolean;
  disabled?: boolean;
  run: () => void;
};

/** Shown as under way at once, and taken back if it is refused. */
function useRestart(project: Project) {
  const client = useQueryClient();
  const go = useGo();
  const begin = useBegin(project.name);
  const key = ["project", project.name];
  const started = (deployment: Deployment) =>
    toast.success(`${project.name} is being restarted`, {
      detail: "What serves now serves until the new one is healthy.",
      action: { label: "Watch it", run: () => go(deploymentPath(deployment)) },
    });
  return {
    isPending: begin.isPending,
    run: () => {
      client.setQueryData<Project>(key, (old) => (old ? { ...old, status: "deploying" } : old));
      begin.mutate(
        { what: "restart", id: newDeploymentId() },
        {
          onSuccess: started,
          onError: (error) => {
            void client.invalidateQueries({ queryKey: key });
            toast.error(`${project.name} was not restarted`, error);
          },
        },
      );
    },
  };
}

const isBusy = ({ status }: Project) => status === "deploying" || status === "unreachable";

function useActions(project: Project, onRollback: () => void): Action[] {
  const restart = useRestart(project);
  const sleep = useSleep(project.name);
  const wake = useWake(project.name);
  if (project.live_release === null) return [];
  const away = isBusy(project);
  const actions: Action[] = [
    {
      label: "Restart",
      icon: RotateCwIcon,
      busy: restart.isPending,
      disabled: away || isMoving(project),
      run: restart.run,
    },
    { label: "Roll back", icon: Undo2Icon, disabled: away || isMoving(project), run: onRollback },
  ];
  if (project.live_kind === "static") return actions;
  const sleeps = project.status === "sleeping" || project.sleep.kind !== null;
  actions.push(
    sleeps || project.status === "crashed"
      ? { label: "Wake", icon: SunIcon, busy: wake.isPending, disabled: away, run: () => wake.mutate() }
      : { label: "Sleep", icon: MoonIcon, busy: sleep.isPending, disabled: away, run: () => sleep.mutate() },
  );
  return actions;
}

export function HeaderActions({ project }: { project: Project }) {
  const [rollback, setRollback] = useState(false);
  const begin = useBeginAndWatch(project.name);
  const actions = useActions(project, () => setRollback(true));
  return (
    <>
      {actions.map(({ label, icon: Icon, busy, disabled, run }) => (
        <Button
          key={label}
          variant="secondary"
          className="max-md:hidden"
          busy={busy}
          disabled={disabled}
          onClick={run}
        >
          {busy ? null : <Icon aria-hidden />} {label}
        </Button>
      ))}
      {actions.length > 0 ? (
        <DropdownMenu>
          <DropdownMenuTrigger asChild>
            <Button variant="secondary" size="icon" aria-label="More actions" className="md:hidden">
              <EllipsisIcon aria-hidden />
            </Button>
          </DropdownMenuTrigger>
          <DropdownMenuContent>
            {actions.map(({ label, icon: Icon, busy, disabled, run }) => (
              <DropdownMenuItem key={label} disabled={busy === true || disabled === true} onSelect={run}>
                <Icon aria-hidden /> {label}
              </DropdownMenuItem>
            ))}
          </DropdownMenuContent>
        </DropdownMenu>
      ) : null}
      {project.live_release === null ? null : (
        <Button variant="secondary" asChild>
          <a href={project.url} target="_blank" rel="noreferrer">
            Visit <ExternalLinkIcon aria-hidden />
            <span className="sr-only">(opens in a new tab)</span>
          </a>
        </Button>
      )}
      <Button
        busy={begin.isPending}
        disabled={isBusy(project) || isMoving(project)}
        onClick={() => begin.run({ what: "deployments" })}
      >
        {begin.isPending ? null : <RocketIcon aria-hidden />} Deploy
      </Button>
      <RollbackDialog project={project} open={rollback} onOpenChange={setRollback} />
    </>
  );
}
