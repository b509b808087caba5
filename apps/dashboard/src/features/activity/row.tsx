// SPDX-License-Identifier: AGPL-3.0-or-later
import type { AuditEntry } from "@nanoscale/contracts";
import { BotIcon, KeyRoundIcon, ServerCogIcon, UserIcon } from "lucide-react";
import Link from "next/link";
import { Badge } from "@/components/ui/badge";
import { TableCell, TableRow } from "@/components/ui/table";
import { RelativeTime } from "@/components/ui/time";
import { part } from "@/lib/api";
import { actionLabel } from "./filters";

const ICONS = { user: UserIcon, token: KeyRoundIcon, root: ServerCogIcon, system: BotIcon } as const;
const KINDS = {
  user: "user",
  token: "API token",
  root: "root on the server",
  system: "NanoScale itself",
} as const;

function Actor({ entry }: { entry: AuditEntry }) {
  const Icon = ICONS[entry.actor.kind];
  return (
    <span className="flex items-center gap-2" title={KINDS[entry.actor.kind]}>
      <Icon aria-hidden className="size-4 shrink-0 text-muted-foreground" />
      <span className="truncate">{entry.actor.name}</span>
      <span className="sr-only">, {KINDS[entry.actor.kind]}</span>
    </span>
  );
}

function Outcome({ entry }: { entry: AuditEntry }) {
  const times = entry.count > 1 ? ` × ${entry.count}` : "";
  if (entry.status === 0) return <Badge>gone before the answer</Badge>;
  if (entry.status >= 400)
    return (
      <Badge tone="danger" title={`Status ${entry.status}`}>
        refused{times}
      </Badge>
    );
  return <Badge tone="success">done{times}</Badge>;
}

export function ActivityRow({ entry }: { entry: AuditEntry }) {
  return (
    <TableRow>
      <TableCell className="whitespace-nowrap text-muted-foreground">
        <RelativeTime at={entry.at} />
      </TableCell>
      <TableCell className="max-w-48">
        <Actor entry={entry} />
        {entry.address ? (
          <span className="block font-mono text-xs text-muted-foreground">{entry.address}</span>
        ) : null}
      </TableCell>
      <TableCell>
        {actionLabel(entry.action)}
        {entry.detail ? (
          <span className="block max-w-80 truncate text-xs text-muted-foreground" title={entry.detail}>
            {entry.detail}
          </span>
        ) : null}
      </TableCell>
      <TableCell className="max-w-56">
        {entry.project ? (
          <Link
            href={`/projects/${part(entry.project)}`}
            prefetch={false}
            className="font-medium underline-offset-4 hover:underline"
          >
            {entry.project}
          </Link>
        ) : null}
        {entry.target ? (
          <span className="block truncate text-xs text-muted-foreground" title={entry.target}>
            {entry.target}
          </span>
        ) : null}
      </TableCell>
      <TableCell>
        <Outcome entry={entry} />
      </TableCell>
    </TableRow>
  );
}
