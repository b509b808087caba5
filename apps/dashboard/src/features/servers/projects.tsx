// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Server } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import { BoxesIcon } from "lucide-react";
import Link from "next/link";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { Empty } from "@/components/ui/empty";
import { Problem } from "@/components/ui/problem";
import { Skeleton } from "@/components/ui/skeleton";
import { Status } from "@/components/ui/status";
import { part } from "@/lib/api";
import { bytes, count } from "@/lib/format";
import { projects } from "@/lib/queries";

export function ServerProjects({ server }: { server: Server }) {
  const all = useQuery(projects());
  const here = all.data?.filter((p) => p.server === server.name);
  return (
    <Card>
      <CardHeader>
        <CardTitle>Projects on it</CardTitle>
        {here ? <span className="text-sm text-muted-foreground">{count(here.length, "project")}</span> : null}
      </CardHeader>
      {all.isPending ? (
        <CardBody className="grid gap-3">
          <Skeleton className="h-6" />
          <Skeleton className="h-6" />
        </CardBody>
      ) : all.isLoadingError ? (
        <Problem error={all.error} onRetry={() => void all.refetch()} busy={all.isFetching} />
      ) : !here?.length ? (
        <Empty icon={<BoxesIcon aria-hidden />} title="None" className="py-8">
          {server.draining
            ? "It takes none while it is drained."
            : "Choose this server for a new project, or move one here in its settings."}
        </Empty>
      ) : (
        <ul className="max-h-96 divide-y overflow-y-auto">
          {here.map((p) => (
            <li key={p.id}>
              <Link
                href={`/projects/${part(p.name)}`}
                prefetch={false}
                className="flex items-center justify-between gap-3 px-5 py-2.5 text-sm hover:bg-muted/40 focus-visible:-outline-offset-2"
              >
                <span className="min-w-0 truncate font-medium">{p.name}</span>
                <span className="flex shrink-0 items-center gap-3">
                  {p.memory_bytes === null ? null : (
                    <span className="text-muted-foreground tabular-nums">{bytes(p.memory_bytes)}</span>
                  )}
                  <Status
                    value={
                      p.move && p.move.state !== "failed"
                        ? "moving"
                        : p.sleep.kind !== null && p.status === "sleeping"
                          ? p.sleep.kind
                          : p.status
                    }
                  />
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
