// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import { RocketIcon } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy-button";
import { Empty } from "@/components/ui/empty";
import { Skeleton } from "@/components/ui/skeleton";
import { RelativeTime } from "@/components/ui/time";
import { bytes, percent, shortCommit } from "@/lib/format";
import { releases } from "@/lib/queries";
import { useBeginAndWatch } from "../mutations";

const KINDS = {
  app: "App",
  proxy: "App, over a port of its own",
  static: "Static site",
} as const;

function Never({ project }: { project: Project }) {
  const begin = useBeginAndWatch(project.name);
  return (
    <Card>
      <Empty
        icon={<RocketIcon aria-hidden />}
        title="Nothing is live yet"
        action={
          <Button
            busy={begin.isPending}
            disabled={project.status === "deploying"}
            onClick={() => begin.run({ what: "deployments" })}
          >
            Deploy {project.branch}
          </Button>
        }
      >
        The first deployment builds the newest commit of {project.branch} and serves it at {project.host}.
      </Empty>
    </Card>
  );
}

function Fact({ term, children }: { term: string; children: React.ReactNode }) {
  return (
    <div className="grid min-w-0 gap-0.5">
      <dt className="text-sm text-muted-foreground">{term}</dt>
      <dd className="min-w-0 truncate text-sm font-medium tabular-nums">{children}</dd>
    </div>
  );
}

export function CurrentRelease({ project }: { project: Project }) {
  const kept = useQuery({ ...releases(project.id), enabled: project.live_release !== null });
  if (project.live_release === null) return <Never project={project} />;
  const live = kept.data?.find((r) => r.live);
  const { live_commit: commit, live_kind: kind, statistics } = project;
  return (
    <Card>
      <CardHeader>
        <CardTitle>Current release</CardTitle>
        <span className="text-sm text-muted-foreground tabular-nums">{project.live_release}</span>
      </CardHeader>
      <CardBody className="grid gap-5">
        <div className="min-w-0">
          <div className="truncate font-medium" title={live?.subject}>
            {live?.subject ?? (kept.isPending ? <Skeleton className="h-6 w-64 max-w-full" /> : "Live")}
          </div>
          <p className="flex items-center gap-1.5 text-sm text-muted-foreground">
            {commit ? (
              <>
                <span className="font-mono text-xs">{shortCommit(commit)}</span>
                <CopyButton value={commit} label="Copy the commit" className="-my-1" />
              </>
            ) : null}
            {live ? (
              <span>
                Built <RelativeTime at={live.created_at} />
              </span>
            ) : null}
          </p>
        </div>
        <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
          <Fact term="Kind">{kind ? KINDS[kind] : "Not known"}</Fact>
          <Fact term="Memory">
            {project.memory_bytes === null
              ? "No process"
              : `${bytes(project.memory_bytes)} of ${bytes(project.memory_mib * 1024 ** 2)}`}
          </Fact>
          <Fact term="Processor">
            {typeof statistics?.cpu_percent === "number" ? percent(statistics.cpu_percent) : "Not measured"}
          </Fact>
          <Fact term="Variables">{project.env_count}</Fact>
        </dl>
      </CardBody>
    </Card>
  );
}
