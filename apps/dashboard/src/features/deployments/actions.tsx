// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Deployment, Project } from "@nanoscale/contracts";
import { CircleStopIcon, ExternalLinkIcon, RotateCwIcon, Undo2Icon } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { CliHint } from "@/components/ui/cli-hint";
import { RollbackDialog } from "../projects/rollback-dialog";
import { useBeginAndWatch, useCancel, type Begin } from "../projects/mutations";
import { isOver } from "./states";

/** The same once more: what it was, of the same commit. */
export function again(d: Deployment): Begin {
  if (d.kind === "restart") return { what: "restart" };
  if (d.kind === "rollback")
    return { what: "rollback", ...(d.release === null ? {} : { release: d.release }) };
  return { what: "deployments", branch: d.branch, ...(d.commit ? { commit: d.commit } : {}) };
}

function commands(d: Deployment): string[] {
  const over = isOver(d)
    ? [`nanoscale deploy ${d.project} --branch ${d.branch}${d.commit ? ` --commit ${d.commit}` : ""}`]
    : [`nanoscale deployments follow ${d.id} -v`, `nanoscale deployments cancel ${d.id}`];
  return [`nanoscale deployments show ${d.id} --log`, ...over];
}

export function DeploymentActions({ deployment: d, project }: { deployment: Deployment; project: Project }) {
  const [rollback, setRollback] = useState(false);
  const cancel = useCancel(d);
  const begin = useBeginAndWatch(d.project);
  const current = d.state === "live" && d.release === project.live_release;
  return (
    <>
      <CliHint command={commands(d)} />
      {isOver(d) ? (
        <Button
          variant={d.state === "live" || d.failure ? "secondary" : "primary"}
          busy={begin.isPending}
          disabled={project.status === "deploying"}
          onClick={() => begin.run(again(d))}
        >
          <RotateCwIcon aria-hidden /> {d.state === "live" ? "Deploy this again" : "Retry"}
        </Button>
      ) : (
        <Button variant="danger" busy={cancel.isPending} onClick={() => cancel.mutate()}>
          <CircleStopIcon aria-hidden /> Cancel
        </Button>
      )}
      {d.state === "live" && d.release !== null && !current ? (
        <Button
          variant="secondary"
          disabled={project.status === "deploying"}
          onClick={() => setRollback(true)}
        >
          <Undo2Icon aria-hidden /> Roll back to this
        </Button>
      ) : null}
      {current ? (
        <Button asChild>
          <a href={project.url} target="_blank" rel="noreferrer">
            Visit <ExternalLinkIcon aria-hidden />
            <span className="sr-only">(opens in a new tab)</span>
          </a>
        </Button>
      ) : null}
      <RollbackDialog
        project={project}
        open={rollback}
        onOpenChange={setRollback}
        release={d.release ?? undefined}
      />
    </>
  );
}
