// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Server } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { Status } from "@/components/ui/status";
import { UsageBar } from "@/features/servers/usage-bar";
import { part } from "@/lib/api";
import { bytes } from "@/lib/format";
import { me } from "@/lib/queries";
import { duration } from "@/lib/time";

/** How the server is that all this comes from. */
export function Orchestrator({ servers }: { servers: Server[] | undefined }) {
  const name = useQuery(me()).data?.server;
  const own = servers?.find((s) => s.name === name);
  const now = own?.statistics;
  return (
    <Card>
      <CardHeader>
        <CardTitle>Orchestrator</CardTitle>
        {own ? <Status value={own.status} /> : null}
      </CardHeader>
      <CardBody className="grid gap-3 text-sm">
        {!own ? (
          <>
            <Skeleton className="h-5" />
            <Skeleton className="h-8" />
            <Skeleton className="h-8" />
          </>
        ) : (
          <>
            <p className="flex justify-between gap-3">
              <Link
                href={`/servers/${part(own.id)}`}
                className="truncate font-medium underline-offset-4 hover:underline"
              >
                {own.name}
              </Link>
              <span className="shrink-0 text-muted-foreground">
                {now ? `up ${duration(now.uptime_seconds * 1000)}` : null}
              </span>
            </p>
            {now ? (
              <>
                <UsageBar
                  label="Memory"
                  used={now.memory_bytes}
                  total={now.memory_total_bytes}
                  format={bytes}
                />
                <UsageBar label="Disk" used={now.disk_bytes} total={now.disk_total_bytes} format={bytes} />
              </>
            ) : (
              <p className="text-muted-foreground">Not measured yet.</p>
            )}
          </>
        )}
      </CardBody>
    </Card>
  );
}
