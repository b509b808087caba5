// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Deployment } from "@nanoscale/contracts";
import Link from "next/link";
import { Status } from "@/components/ui/status";
import { RelativeTime } from "@/components/ui/time";
import { part } from "@/lib/api";
import { shortCommit } from "@/lib/format";
import { duration } from "@/lib/time";
import { statusOfDeployment } from "./states";

export const deploymentHref = (d: Pick<Deployment, "project" | "id">) =>
  `/projects/${part(d.project)}/deployments/${part(d.id)}`;

/** What it brings, in a few words: a rollback and a restart have no commit of their own to speak of. */
export function deploymentTitle(d: Deployment): string {
  if (d.kind === "rollback") return d.release === null ? "Rollback" : `Rollback to release ${d.release}`;
  if (d.kind === "restart") return "Restart";
  return d.subject ?? `Deployment of ${d.branch}`;
}

/** One line of a list over several projects. */
export function DeploymentRow({ deployment: d, current }: { deployment: Deployment; current: boolean }) {
  return (
    <Link
      href={deploymentHref(d)}
      prefetch={false}
      className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 px-5 py-3 hover:bg-muted/40 focus-visible:-outline-offset-2 sm:grid-cols-[7.5rem_minmax(0,1fr)_auto]"
    >
      <Status value={statusOfDeployment(d, current)} />
      <span className="order-last col-span-2 min-w-0 sm:order-none sm:col-span-1">
        <span className="block truncate text-sm font-medium">{deploymentTitle(d)}</span>
        <span className="flex min-w-0 items-center gap-1.5 text-sm text-muted-foreground">
          <span className="truncate text-foreground/80">{d.project}</span>
          {d.commit ? (
            <>
              <span aria-hidden>·</span>
              <span className="font-mono text-xs">{shortCommit(d.commit)}</span>
            </>
          ) : null}
          {d.author ? (
            <>
              <span aria-hidden>·</span>
              <span className="truncate">{d.author}</span>
            </>
          ) : null}
        </span>
      </span>
      <span className="text-right text-sm text-muted-foreground">
        <RelativeTime at={d.created_at} className="block whitespace-nowrap" />
        <span className="hidden text-xs tabular-nums sm:block">
          {d.duration_ms === null ? "under way" : duration(d.duration_ms)}
        </span>
      </span>
    </Link>
  );
}
