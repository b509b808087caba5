// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project } from "@nanoscale/contracts";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { GitCompareArrowsIcon, RocketIcon } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Empty } from "@/components/ui/empty";
import { Problem } from "@/components/ui/problem";
import { Skeleton } from "@/components/ui/skeleton";
import { Table, TableBody, TableHead } from "@/components/ui/table";
import { deploymentPages, releases } from "@/lib/queries";
import { RollbackDialog } from "../projects/rollback-dialog";
import { CompareDialog } from "./compare";
import { currentOf } from "./states";
import { DeploymentTableRow } from "./table-row";

const COLUMNS = [
  { label: "Compare", hidden: true as const },
  "Deployment",
  "Status",
  { label: "Source", wide: true as const },
  { label: "Took", end: true as const, wide: true as const },
  "When",
  { label: "Actions", hidden: true as const },
];

/** The two that were chosen last. */
const choose = (chosen: readonly string[], id: string, on: boolean) =>
  on ? [...chosen, id].slice(-2) : chosen.filter((c) => c !== id);

export function DeploymentsTab({ project }: { project: Project }) {
  const pages = useInfiniteQuery(deploymentPages(project.id));
  const kept = useQuery({ ...releases(project.id), enabled: project.live_release !== null });
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [comparing, setComparing] = useState(false);
  const [rollback, setRollback] = useState<number | null>(null);
  const list = pages.data?.pages.flatMap((page) => page.deployments) ?? [];
  const current = currentOf(list);
  const keptNumbers = new Set(kept.data?.filter((r) => !r.live).map((r) => r.number));
  // Oldest first: what was, then what became of it.
  const pair = list.filter((d) => chosen.includes(d.id)).toReversed();

  if (pages.isPending) {
    return (
      <Card className="grid gap-3 p-5" aria-busy="true">
        {Array.from({ length: 8 }, (_, i) => (
          <Skeleton key={i} className="h-11" />
        ))}
      </Card>
    );
  }
  if (pages.isLoadingError) {
    return (
      <Card>
        <Problem
          title="The deployments could not be loaded"
          error={pages.error}
          onRetry={() => void pages.refetch()}
          busy={pages.isFetching}
        />
      </Card>
    );
  }
  if (list.length === 0) {
    return (
      <Card>
        <Empty icon={<RocketIcon aria-hidden />} title="Not deployed yet">
          Deploy builds the newest commit of {project.branch}. Each attempt is listed here, with its log.
        </Empty>
      </Card>
    );
  }
  return (
    <>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <p className="text-sm text-muted-foreground">
          {chosen.length === 0
            ? "Tick two to compare them."
            : chosen.length === 1
              ? "Tick one more to compare them."
              : "Two are chosen."}
        </p>
        <Button variant="secondary" disabled={pair.length !== 2} onClick={() => setComparing(true)}>
          <GitCompareArrowsIcon aria-hidden /> Compare
        </Button>
      </div>
      <Card>
        <Table label="Deployments">
          <TableHead columns={COLUMNS} />
          <TableBody>
            {list.map((d) => (
              <DeploymentTableRow
                key={d.id}
                deployment={d}
                project={project}
                current={current.has(d.id)}
                isKept={d.release !== null && keptNumbers.has(d.release)}
                isChosen={chosen.includes(d.id)}
                onChoose={(on) => setChosen(choose(chosen, d.id, on))}
                onRollback={setRollback}
              />
            ))}
          </TableBody>
        </Table>
      </Card>
      {pages.hasNextPage ? (
        <div className="mt-4 flex justify-center">
          <Button
            variant="secondary"
            busy={pages.isFetchingNextPage}
            onClick={() => void pages.fetchNextPage()}
          >
            Show older
          </Button>
        </div>
      ) : null}
      {pair[0] && pair[1] ? (
        <CompareDialog
          project={project}
          a={pair[0]}
          b={pair[1]}
          open={comparing}
          onOpenChange={setComparing}
        />
      ) : null}
      <RollbackDialog
        project={project}
        open={rollback !== null}
        onOpenChange={(open) => (open ? undefined : setRollback(null))}
        release={rollback ?? undefined}
      />
    </>
  );
}
