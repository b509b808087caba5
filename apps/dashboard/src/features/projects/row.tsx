// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Project } from "@nanoscale/contracts";
import { ExternalLinkIcon, GitBranchIcon } from "lucide-react";
import Link from "next/link";
import { memo } from "react";
import { Status } from "@/components/ui/status";
import { TableCell, TableRow } from "@/components/ui/table";
import { RelativeTime } from "@/components/ui/time";
import { part } from "@/lib/api";
import { bytes } from "@/lib/format";
import { statusOfProject } from "./choose";

/** Of a thousand rows only those that have changed are drawn anew. */
export const ProjectRow = memo(function ProjectRow({ project }: { project: Project }) {
  const last = project.latest_deployment;
  return (
    <TableRow>
      <TableCell className="max-w-72">
        <Link
          href={`/projects/${part(project.name)}`}
          prefetch={false}
          className="flex min-h-6 items-center font-medium underline-offset-4 hover:underline"
        >
          {project.name}
        </Link>
        {project.live_release === null ? (
          <span className="block truncate text-xs text-muted-foreground">{project.host}</span>
        ) : (
          <a
            href={project.url}
            target="_blank"
            rel="noreferrer"
            className="flex min-h-6 items-center gap-1 text-xs text-muted-foreground hover:text-foreground"
          >
            <span className="truncate">{new URL(project.url).host}</span>
            <ExternalLinkIcon aria-hidden className="size-3 shrink-0" />
            <span className="sr-only">(opens in a new tab)</span>
          </a>
        )}
      </TableCell>
      <TableCell>
        <Status value={statusOfProject(project)} />
      </TableCell>
      <TableCell className="max-w-80 max-sm:hidden">
        <span className="block truncate" title={last?.subject ?? undefined}>
          {last?.subject ?? "Not deployed yet"}
        </span>
        <span className="flex items-center gap-1 text-xs text-muted-foreground">
          <GitBranchIcon aria-hidden className="size-3" />
          <span className="truncate">{last?.branch ?? project.branch}</span>
          {last?.commit ? <span className="font-mono">{last.commit.slice(0, 7)}</span> : null}
        </span>
      </TableCell>
      <TableCell className="whitespace-nowrap text-muted-foreground">
        {last ? <RelativeTime at={last.created_at} /> : "never"}
      </TableCell>
      <TableCell className="text-right whitespace-nowrap text-muted-foreground tabular-nums max-sm:hidden">
        {project.memory_bytes === null ? "none" : bytes(project.memory_bytes)}
      </TableCell>
      <TableCell className="whitespace-nowrap text-muted-foreground max-sm:hidden">
        {project.server}
      </TableCell>
    </TableRow>
  );
});
