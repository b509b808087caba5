// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project, Wake } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { Problem } from "@/components/ui/problem";
import { Skeleton } from "@/components/ui/skeleton";
import { Status, statusWord } from "@/components/ui/status";
import { RelativeTime } from "@/components/ui/time";
import { bytes } from "@/lib/format";
import { wakes } from "@/lib/queries";
import { duration, spanWords } from "@/lib/time";

const SHOWN = 8;

function policy(project: Project): string {
  const { scale_to_zero: may, idle_seconds: idle, doze } = project;
  if (!may || idle === 0) return doze ? "It never stops, but may be paged out." : "It never sleeps.";
  return `It sleeps after ${spanWords(idle)} without a request${doze ? ", and is paged out before that" : ""}.`;
}

function Now({ project }: { project: Project }) {
  const { kind, since, ram_saved_bytes: saved } = project.sleep;
  return (
    <div className="grid gap-1">
      {kind ? (
        <p className="flex flex-wrap items-center gap-x-2">
          <Status value={kind} />
          {since ? (
            <span className="text-sm text-muted-foreground">
              since <RelativeTime at={since} />
            </span>
          ) : null}
        </p>
      ) : (
        <p className="text-sm font-medium">{project.memory_bytes === null ? "It does not run" : "Awake"}</p>
      )}
      {saved === null ? null : (
        <p className="text-2xl font-semibold tracking-tight tabular-nums">
          {bytes(saved)}{" "}
          <span className="text-sm font-normal tracking-normal text-muted-foreground">RAM saved</span>
        </p>
      )}
      <p className="text-sm text-muted-foreground">{policy(project)}</p>
    </div>
  );
}

/** Each wake as a bar as long as the visitor waited, against the longest of those shown. */
function WakeList({ list }: { list: Wake[] }) {
  const shown = list.slice(0, SHOWN);
  const longest = Math.max(1, ...shown.map((w) => w.duration_ms));
  return (
    <ol className="grid gap-2.5 text-sm">
      {shown.map((wake) => (
        <li key={wake.at} className="grid grid-cols-[6.5rem_minmax(0,1fr)_auto] items-center gap-3">
          <RelativeTime at={wake.at} className="truncate text-muted-foreground" />
          <span className="flex items-center gap-2">
            <svg
              aria-hidden
              viewBox="0 0 100 4"
              preserveAspectRatio="none"
              className="h-1.5 w-full rounded-full bg-muted text-info"
            >
              <rect width={(wake.duration_ms / longest) * 100} height="4" fill="currentColor" />
            </svg>
            <span className="sr-only">from {statusWord(wake.kind)}</span>
          </span>
          <span className="w-14 text-right tabular-nums" title={`From ${statusWord(wake.kind)}`}>
            {duration(wake.duration_ms)}
          </span>
        </li>
      ))}
    </ol>
  );
}

export function SleepCard({ project }: { project: Project }) {
  const list = useQuery({
    ...wakes(project.id),
    enabled: project.live_release !== null && project.live_kind !== "static",
  });
  const { wakes: of } = project.sleep;
  if (project.live_kind === "static") {
    return (
      <Card>
        <CardHeader>
          <CardTitle>Sleep</CardTitle>
        </CardHeader>
        <CardBody className="text-sm text-muted-foreground">
          A static site has no process: it takes no RAM, and nothing has to wake.
        </CardBody>
      </Card>
    );
  }
  return (
    <Card>
      <CardHeader>
        <CardTitle>Sleep</CardTitle>
      </CardHeader>
      <CardBody className="grid gap-5">
        {project.live_release === null ? (
          <p className="text-sm text-muted-foreground">{policy(project)}</p>
        ) : (
          <Now project={project} />
        )}
        {of.count > 0 ? (
          <dl className="grid grid-cols-3 gap-3 border-t pt-4 text-sm">
            {[
              ["Wakes", String(of.count)],
              ["Half within", of.p50_ms === null ? "–" : duration(of.p50_ms)],
              ["99% within", of.p99_ms === null ? "–" : duration(of.p99_ms)],
            ].map(([term, value]) => (
              <div key={term}>
                <dt className="text-muted-foreground">{term}</dt>
                <dd className="font-medium tabular-nums">{value}</dd>
              </div>
            ))}
          </dl>
        ) : null}
        {list.isLoadingError ? (
          <Problem
            title="The wakes could not be loaded"
            error={list.error}
            onRetry={() => void list.refetch()}
            className="py-2"
          />
        ) : list.isLoading ? (
          <Skeleton className="h-52" />
        ) : list.data && list.data.length > 0 ? (
          <div className="grid gap-3 border-t pt-4">
            <h3 className="text-sm font-medium">How long visitors waited</h3>
            <WakeList list={list.data} />
          </div>
        ) : project.live_release === null ? null : (
          <p className="text-sm text-muted-foreground">It has not had to wake yet.</p>
        )}
      </CardBody>
    </Card>
  );
}
