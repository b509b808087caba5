// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Deployment, Project } from "@nanoscale/contracts";
import {
  CircleStopIcon,
  EllipsisIcon,
  FileTextIcon,
  GitBranchIcon,
  RotateCwIcon,
  Undo2Icon,
} from "lucide-react";
import Link from "next/link";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { Status } from "@/components/ui/status";
import { TableCell, TableRow } from "@/components/ui/table";
import { RelativeTime } from "@/components/ui/time";
import { shortCommit } from "@/lib/format";
import { duration } from "@/lib/time";
import { useBeginAndWatch, useCancel } from "../projects/mutations";
import { again } from "./actions";
import { deploymentHref, deploymentTitle } from "./row";
import { isOver, KIND_WORDS, statusOfDeployment } from "./states";

type Props = {
  deployment: Deployment;
  project: Project;
  current: boolean;
  /** Its release is on the server's disk and does not serve. */
  isKept: boolean;
  isChosen: boolean;
  onChoose: (on: boolean) => void;
  onRollback: (release: number) => void;
};

function RowMenu({ deployment: d, project, isKept, onRollback }: Props) {
  const begin = useBeginAndWatch(project.name);
  const cancel = useCancel(d);
  const busy = project.status === "deploying" || project.status === "unreachable";
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button variant="ghost" size="icon-sm" aria-label={`Actions for ${KIND_WORDS[d.kind]} ${d.number}`}>
          <EllipsisIcon aria-hidden />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent>
        <DropdownMenuItem asChild>
          <Link href={deploymentHref(d)}>
            <FileTextIcon aria-hidden /> Open
          </Link>
        </DropdownMenuItem>
        {isOver(d) ? (
          <DropdownMenuItem disabled={busy || begin.isPending} onSelect={() => begin.run(again(d))}>
            <RotateCwIcon aria-hidden /> {d.state === "live" ? "Deploy this again" : "Retry"}
          </DropdownMenuItem>
        ) : (
          <DropdownMenuItem tone="danger" disabled={cancel.isPending} onSelect={() => cancel.mutate()}>
            <CircleStopIcon aria-hidden /> Cancel
          </DropdownMenuItem>
        )}
        {isKept && d.release !== null ? (
          <DropdownMenuItem disabled={busy} onSelect={() => d.release !== null && onRollback(d.release)}>
            <Undo2Icon aria-hidden /> Roll back to release {d.release}
          </DropdownMenuItem>
        ) : null}
      </DropdownMenuContent>
    </DropdownMenu>
  );
}

export function DeploymentTableRow(props: Props) {
  const { deployment: d, current, isChosen, onChoose } = props;
  return (
    <TableRow>
      <TableCell className="w-px pr-0">
        <input
          type="checkbox"
          aria-label={`Compare ${KIND_WORDS[d.kind]} ${d.number}`}
          checked={isChosen}
          onChange={(event) => onChoose(event.target.checked)}
        />
      </TableCell>
      <TableCell className="max-w-96 min-w-40 sm:min-w-52">
        <Link
          href={deploymentHref(d)}
          prefetch={false}
          className="block truncate font-medium underline-offset-4 hover:underline"
        >
          {deploymentTitle(d)}
        </Link>
        <span className="flex gap-1.5 text-xs text-muted-foreground">
          <span>#{d.number}</span>
          {d.release === null ? null : <span>release {d.release}</span>}
          {d.author ? <span className="truncate">{d.author}</span> : null}
        </span>
      </TableCell>
      <TableCell>
        <Status value={statusOfDeployment(d, current)} />
      </TableCell>
      <TableCell className="max-w-52 max-sm:hidden">
        <span className="flex items-center gap-1.5 text-muted-foreground">
          <GitBranchIcon aria-hidden className="size-3.5 shrink-0" />
          <span className="truncate">{d.branch}</span>
          {d.commit ? <span className="font-mono text-xs">{shortCommit(d.commit)}</span> : null}
        </span>
      </TableCell>
      <TableCell className="text-right whitespace-nowrap text-muted-foreground tabular-nums max-sm:hidden">
        {d.duration_ms === null ? "under way" : duration(d.duration_ms)}
      </TableCell>
      <TableCell className="whitespace-nowrap text-muted-foreground">
        <RelativeTime at={d.created_at} />
      </TableCell>
      <TableCell className="w-px py-1.5">
        <RowMenu {...props} />
      </TableCell>
    </TableRow>
  );
}
