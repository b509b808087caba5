// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Deployment } from "@nanoscale/contracts";
import Link from "next/link";
import { Status } from "@/components/ui/status";
import { RelativeTime } from "@/components/ui/time";
import { shortCommit } from "@/lib/format";
import { duration } from "@/lib/time";
import { deploymentHref, deploymentTitle } from "./row";
import { statusOfDeployment } from "./states";

/** One line of the list of one project. */
export function DeploymentLine({ deployment: d, current }: { deployment: Deployment; current: boolean }) {
  return (
    <Link
      href={deploymentHref(d)}
      prefetch={false}
      className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 px-5 py-3 text-sm hover:bg-muted/40 focus-visible:-outline-offset-2 sm:grid-cols-[7rem_minmax(0,1fr)_auto]"
    >
      <Status value={statusOfDeployment(d, current)} />
      <span className="order-last col-span-2 min-w-0 sm:order-none sm:col-span-1">
        <span className="block truncate font-medium">{deploymentTitle(d)}</span>
        <span className="flex min-w-0 gap-1.5 text-muted-foreground">
          <span>#{d.number}</span>
          {d.commit ? <span className="font-mono text-xs leading-5">{shortCommit(d.commit)}</span> : null}
          {d.author ? <span className="truncate">{d.author}</span> : null}
        </span>
      </span>
      <span className="text-right text-muted-foreground">
        <RelativeTime at={d.created_at} className="block whitespace-nowrap" />
        <span className="hidden text-xs tabular-nums sm:block">
          {d.duration_ms === null ? "under way" : duration(d.duration_ms)}
        </span>
      </span>
    </Link>
  );
}
