// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Server } from "@nanoscale/contracts";
import { TriangleAlertIcon } from "lucide-react";
import Link from "next/link";
import { Badge } from "@/components/ui/badge";
import { Card } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy-button";
import { Skeleton } from "@/components/ui/skeleton";
import { Status } from "@/components/ui/status";
import { Table, TableBody, TableCell, TableHead, TableRow } from "@/components/ui/table";
import { RelativeTime } from "@/components/ui/time";
import { part } from "@/lib/api";
import { count } from "@/lib/format";
import { statusOf, usageOf } from "./usage";
import { UsageCell } from "./usage-bar";

const COLUMNS = ["Name", "Status", "CPU", "Memory", "Disk", "Projects", "Version", "Last seen"];
const LINK = "font-medium underline-offset-4 hover:underline";

function Warnings({ server }: { server: Server }) {
  const n = server.warnings.length;
  if (n === 0) return null;
  return (
    <Badge tone="warning" title={server.warnings.map((w) => w.sentence).join("\n")}>
      <TriangleAlertIcon aria-hidden /> {count(n, "warning")}
    </Badge>
  );
}

function Seen({ server }: { server: Server }) {
  return server.seen_at ? <RelativeTime at={server.seen_at} /> : <>answers this page</>;
}

function Row({ server }: { server: Server }) {
  return (
    <TableRow>
      <TableCell>
        <Link href={`/servers/${part(server.id)}`} prefetch={false} className={LINK}>
          {server.name}
        </Link>
        <span className="flex items-center gap-1 font-mono text-xs text-muted-foreground">
          {server.ip_address}
          <CopyButton
            value={server.ip_address}
            label={`Copy the address of ${server.name}`}
            className="-my-1 size-6"
          />
        </span>
      </TableCell>
      <TableCell className="max-w-60">
        <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <Status value={statusOf(server)} />
          <Warnings server={server} />
        </span>
        {server.reason ? <span className="block text-xs text-muted-foreground">{server.reason}</span> : null}
      </TableCell>
      {usageOf(server).map((usage) => (
        <TableCell key={usage.label}>
          <UsageCell {...usage} label={`${usage.label} of ${server.name}`} />
        </TableCell>
      ))}
      <TableCell className="tabular-nums">{server.projects}</TableCell>
      <TableCell className="font-mono text-xs">{server.version}</TableCell>
      <TableCell className="whitespace-nowrap text-muted-foreground">
        <Seen server={server} />
      </TableCell>
    </TableRow>
  );
}

function PhoneCard({ server }: { server: Server }) {
  return (
    <Card className="relative grid gap-3 p-4">
      <div className="flex items-start justify-between gap-3">
        <div className="min-w-0">
          <Link
            href={`/servers/${part(server.id)}`}
            prefetch={false}
            className="font-medium break-words after:absolute after:inset-0"
          >
            {server.name}
          </Link>
          <p className="font-mono text-xs break-all text-muted-foreground">{server.ip_address}</p>
        </div>
        <Status value={statusOf(server)} />
      </div>
      {server.reason ? <p className="text-sm text-muted-foreground">{server.reason}</p> : null}
      <Warnings server={server} />
      <div className="grid grid-cols-3 gap-3">
        {usageOf(server).map((usage) => (
          <div key={usage.label} className="grid gap-1 text-xs text-muted-foreground">
            {usage.label}
            <UsageCell {...usage} label={`${usage.label} of ${server.name}`} />
          </div>
        ))}
      </div>
      <p className="text-xs text-muted-foreground">
        {count(server.projects, "project")} · {server.version} · <Seen server={server} />
      </p>
    </Card>
  );
}

/** A table, and on a phone a card each. */
export function ServerTable({ servers }: { servers: Server[] }) {
  return (
    <>
      <Card className="hidden md:block">
        <Table label="Servers">
          <TableHead columns={COLUMNS} />
          <TableBody>
            {servers.map((server) => (
              <Row key={server.id} server={server} />
            ))}
          </TableBody>
        </Table>
      </Card>
      <ul className="grid gap-3 md:hidden">
        {servers.map((server) => (
          <li key={server.id}>
            <PhoneCard server={server} />
          </li>
        ))}
      </ul>
    </>
  );
}

export function ServerTableSkeleton() {
  return (
    <>
      <Card className="hidden md:block">
        <Table label="Servers">
          <TableHead columns={COLUMNS} />
          <TableBody>
            {[0, 1].map((row) => (
              <tr key={row}>
                {COLUMNS.map((column) => (
                  <TableCell key={column}>
                    <Skeleton className="my-1.5 h-6" />
                  </TableCell>
                ))}
              </tr>
            ))}
          </TableBody>
        </Table>
      </Card>
      <div className="grid gap-3 md:hidden">
        <Skeleton className="h-40 rounded-xl" />
        <Skeleton className="h-40 rounded-xl" />
      </div>
    </>
  );
}
