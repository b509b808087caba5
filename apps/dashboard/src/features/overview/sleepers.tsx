// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Project } from "@nanoscale/contracts";
import { MoonIcon } from "lucide-react";
import Link from "next/link";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { Empty } from "@/components/ui/empty";
import { Skeleton } from "@/components/ui/skeleton";
import { Status } from "@/components/ui/status";
import { part } from "@/lib/api";
import { bytes } from "@/lib/format";

const SHOWN = 5;

/** What sleeps, and how much memory that saves: the most first. */
export function Sleepers({ projects }: { projects: Project[] | undefined }) {
  const asleep = projects
    ?.filter((p) => p.status === "sleeping")
    .sort((a, b) => (b.sleep.ram_saved_bytes ?? 0) - (a.sleep.ram_saved_bytes ?? 0));
  const saved = asleep?.reduce((sum, p) => sum + (p.sleep.ram_saved_bytes ?? 0), 0) ?? 0;
  return (
    <Card>
      <CardHeader>
        <CardTitle>Asleep</CardTitle>
        {asleep?.length ? <span className="text-sm text-muted-foreground">{bytes(saved)} saved</span> : null}
      </CardHeader>
      {!asleep ? (
        <CardBody className="grid gap-3">
          <Skeleton className="h-5" />
          <Skeleton className="h-5" />
          <Skeleton className="h-5" />
        </CardBody>
      ) : asleep.length === 0 ? (
        <Empty icon={<MoonIcon aria-hidden />} title="Nothing sleeps" className="py-8">
          Projects that nobody visits fall asleep, and wake on the first request.
        </Empty>
      ) : (
        <ul className="divide-y">
          {asleep.slice(0, SHOWN).map((p) => (
            <li key={p.id}>
              <Link
                href={`/projects/${part(p.name)}`}
                prefetch={false}
                className="flex items-center justify-between gap-3 px-5 py-2.5 text-sm hover:bg-muted/40 focus-visible:-outline-offset-2"
              >
                <span className="min-w-0 truncate font-medium">{p.name}</span>
                <span className="flex shrink-0 items-center gap-3 text-muted-foreground">
                  {p.sleep.ram_saved_bytes === null ? null : (
                    <span className="tabular-nums">{bytes(p.sleep.ram_saved_bytes)}</span>
                  )}
                  <Status value={p.sleep.kind ?? "sleeping"} />
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
