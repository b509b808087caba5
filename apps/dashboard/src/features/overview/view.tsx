// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useQuery } from "@tanstack/react-query";
import { PlusIcon, RocketIcon } from "lucide-react";
import Link from "next/link";
import { PageHeader } from "@/components/page-header";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { CliHint } from "@/components/ui/cli-hint";
import { Empty } from "@/components/ui/empty";
import { Problem } from "@/components/ui/problem";
import { Skeleton } from "@/components/ui/skeleton";
import { DeploymentRow } from "@/features/deployments/row";
import { currentOf } from "@/features/deployments/states";
import { projects, recentDeployments, servers } from "@/lib/queries";
import { Cards } from "./cards";
import { Orchestrator } from "./orchestrator";
import { Sleepers } from "./sleepers";
import { health, summarize, troubles } from "./summary";
import { TroubleList } from "./trouble-list";

const SHOWN = 10;

function NewProject() {
  return (
    <Button asChild>
      <Link href="/projects/new">
        <PlusIcon aria-hidden /> New project
      </Link>
    </Button>
  );
}

function RecentDeployments({ waits }: { waits: boolean }) {
  const recent = useQuery(recentDeployments(SHOWN));
  const current = currentOf(recent.data ?? []);
  return (
    <Card>
      <CardHeader>
        <CardTitle>Recent deployments</CardTitle>
      </CardHeader>
      {recent.isPending || waits ? (
        <CardBody className="grid gap-3.5">
          {[0, 1, 2, 3, 4].map((i) => (
            <Skeleton key={i} className="h-10" />
          ))}
        </CardBody>
      ) : recent.isError ? (
        <Problem error={recent.error} onRetry={() => void recent.refetch()} busy={recent.isFetching} />
      ) : recent.data.length === 0 ? (
        <Empty icon={<RocketIcon aria-hidden />} title="Nothing deployed yet" action={<NewProject />}>
          Give NanoScale the address of a Git repository. It finds out how to build it, and puts it online.
        </Empty>
      ) : (
        <ul className="divide-y">
          {recent.data.map((d) => (
            <li key={d.id}>
              <DeploymentRow deployment={d} current={current.has(d.id)} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

export function OverviewView() {
  const allProjects = useQuery(projects());
  const allServers = useQuery(servers());
  const failed = allProjects.isLoadingError ? allProjects : allServers.isLoadingError ? allServers : null;
  const known =
    allProjects.data && allServers.data ? { projects: allProjects.data, servers: allServers.data } : null;
  return (
    <>
      <PageHeader
        title="Overview"
        description={
          known ? health(summarize(known.projects, known.servers)) : <Skeleton className="my-0.5 h-4 w-40" />
        }
        actions={
          <>
            <CliHint command="nanoscale status" />
            <NewProject />
          </>
        }
      />
      {failed ? (
        <Card className="mb-6">
          <Problem
            title="Projects and servers could not be loaded"
            error={failed.error}
            onRetry={() => void Promise.all([allProjects.refetch(), allServers.refetch()])}
            busy={failed.isFetching}
          />
        </Card>
      ) : (
        <Cards projects={allProjects.data} servers={allServers.data} />
      )}
      {known ? <TroubleList troubles={troubles(known.projects, known.servers)} /> : null}
      {/* What there is to see to comes above it: until that is known, nothing stands here that it could push away. */}
      <div
        key={known ? "known" : "waits"}
        className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_20rem]"
      >
        <RecentDeployments waits={!known && !failed} />
        <div className="grid gap-6">
          {/* First the one whose height is known before its content: nothing moves when that comes. */}
          <Orchestrator servers={allServers.data} />
          <Sleepers projects={allProjects.data} />
        </div>
      </div>
    </>
  );
}
