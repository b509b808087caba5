// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project } from "@nanoscale/contracts";
import { useInfiniteQuery } from "@tanstack/react-query";
import Link from "next/link";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { Problem } from "@/components/ui/problem";
import { Skeleton } from "@/components/ui/skeleton";
import { deploymentPages } from "@/lib/queries";
import { DeploymentLine } from "../../deployments/line";
import { currentOf } from "../../deployments/states";

const SHOWN = 5;

export function LastDeployments({ project }: { project: Project }) {
  const pages = useInfiniteQuery(deploymentPages(project.id));
  const list = pages.data?.pages[0]?.deployments ?? [];
  const current = currentOf(list);
  return (
    <Card>
      <CardHeader>
        <CardTitle>Last deployments</CardTitle>
        <Link href="?tab=deployments" className="text-sm text-muted-foreground hover:text-foreground">
          All
        </Link>
      </CardHeader>
      {pages.isPending ? (
        <CardBody className="grid gap-3">
          {Array.from({ length: SHOWN }, (_, i) => (
            <Skeleton key={i} className="h-10" />
          ))}
        </CardBody>
      ) : pages.isLoadingError ? (
        <Problem
          title="The deployments could not be loaded"
          error={pages.error}
          onRetry={() => void pages.refetch()}
          busy={pages.isFetching}
        />
      ) : list.length === 0 ? (
        <CardBody className="text-sm text-muted-foreground">It has not been deployed yet.</CardBody>
      ) : (
        <ul className="divide-y">
          {list.slice(0, SHOWN).map((d) => (
            <li key={d.id}>
              <DeploymentLine deployment={d} current={current.has(d.id)} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
