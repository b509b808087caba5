// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Deployment, Project } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ConfirmDialog } from "@/components/ui/confirm";
import { Notice, Problem } from "@/components/ui/problem";
import { Skeleton } from "@/components/ui/skeleton";
import { RelativeTime } from "@/components/ui/time";
import { cn } from "@/lib/cn";
import { shortCommit } from "@/lib/format";
import { useGo } from "@/lib/leave";
import { releases } from "@/lib/queries";
import { deploymentPath, newDeploymentId, useBegin } from "./mutations";

type Props = {
  project: Project;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** The release that was asked for; else the newest kept one before the live one. */
  release?: number;
};

/** Chooses a kept release and serves it again. Says what that does not bring back. */
export function RollbackDialog(props: Props) {
  // Anew with each opening: a choice of the last time is no choice.
  return props.open ? <Open {...props} /> : null;
}

function Open({ project, onOpenChange, release }: Props) {
  const kept = useQuery(releases(project.id));
  const go = useGo();
  const begin = useBegin(project.name);
  const [chosen, setChosen] = useState<number | null>(release ?? null);
  const [id] = useState(newDeploymentId);
  const others = kept.data?.filter((r) => !r.live) ?? [];
  const before = others.find((r) => project.live_release === null || r.number < project.live_release);
  const target = chosen ?? before?.number ?? others[0]?.number;
  const confirm = async () => {
    if (target === undefined) throw new Error("There is no release to roll back to.");
    const deployment: Deployment = await begin.mutateAsync({ what: "rollback", release: target, id });
    go(deploymentPath(deployment));
  };
  return (
    <ConfirmDialog
      open
      onOpenChange={onOpenChange}
      title={`Roll ${project.name} back`}
      description="An older release is started and checked, then it gets all new requests. Nothing is built, and no request is lost."
      confirmLabel={target === undefined ? "Roll back" : `Roll back to release ${target}`}
      tone="primary"
      onConfirm={confirm}
    >
      {kept.isPending ? (
        <Skeleton className="h-40" />
      ) : kept.isLoadingError ? (
        <Problem error={kept.error} onRetry={() => void kept.refetch()} className="py-2" />
      ) : others.length === 0 ? (
        <Notice tone="info">No release but the live one is kept.</Notice>
      ) : (
        <fieldset className="max-h-72 min-w-0 divide-y overflow-y-auto rounded-lg border">
          <legend className="sr-only">Release</legend>
          {others.map((r) => (
            <label
              key={r.number}
              className={cn(
                "flex cursor-pointer items-start gap-3 px-3 py-2.5 hover:bg-muted/50",
                r.number === target && "bg-muted/60",
              )}
            >
              <input
                type="radio"
                name="release"
                className="mt-0.5"
                checked={r.number === target}
                onChange={() => setChosen(r.number)}
              />
              <span className="min-w-0 flex-1">
                <span className="block truncate font-medium">
                  {r.number} · {r.subject}
                </span>
                <span className="flex gap-1.5 text-muted-foreground">
                  <span className="font-mono text-xs leading-5">{shortCommit(r.commit)}</span>
                  <span aria-hidden>·</span>
                  <RelativeTime at={r.created_at} />
                </span>
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <p className="text-muted-foreground">
        Not taken back: environment variables, limits and settings, which stay as they are now, and what the
        app has stored, such as its database.
      </p>
    </ConfirmDialog>
  );
}
