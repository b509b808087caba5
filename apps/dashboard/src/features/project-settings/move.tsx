// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Move, Project, Server } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import { MoveRightIcon } from "lucide-react";
import dynamic from "next/dynamic";
import Link from "next/link";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { Problem } from "@/components/ui/problem";
import { Skeleton } from "@/components/ui/skeleton";
import { Status } from "@/components/ui/status";
import { RelativeTime } from "@/components/ui/time";
import { part } from "@/lib/api";
import { servers } from "@/lib/queries";
import { isMoving } from "../projects/choose";
import { deploymentPath } from "../projects/mutations";
import { isOpen } from "../servers/open";
import { moveSteps, placeEnds } from "./move-steps";
import { PointDns } from "./point-dns";

const MoveDialog = dynamic(() => import("./move-dialog").then((m) => m.MoveDialog), { ssr: false });

function Steps({ project, move, target }: { project: Project; move: Move; target: Server | undefined }) {
  const end = placeEnds(move);
  return (
    <div className="grid gap-3">
      <p>
        To <span className="font-medium">{move.to ?? "a removed server"}</span>, since{" "}
        <RelativeTime at={move.changed_at} />
      </p>
      <ol className="grid gap-2">
        {moveSteps(move).map(({ words, status }) => (
          <li key={words} className="flex items-center gap-2">
            <Status value={status} iconOnly /> {words}
          </li>
        ))}
      </ol>
      {end ? (
        <div className="grid gap-1 text-muted-foreground">
          <p>
            {move.from ?? "The old place"} goes on serving until it is removed, <RelativeTime at={end} />
          </p>
          {target ? (
            <p>
              Until then, <PointDns project={project} server={target} />
            </p>
          ) : null}
        </div>
      ) : null}
      {move.deployment ? (
        <Link
          href={deploymentPath({ project: project.name, id: move.deployment })}
          className="w-fit underline decoration-border underline-offset-4 hover:decoration-current"
        >
          Its build
        </Link>
      ) : null}
    </div>
  );
}

function Choice({ project, targets }: { project: Project; targets: Server[] }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <p className="text-muted-foreground">
        {project.live_release === null
          ? "Nothing of it is live yet."
          : "On another server it is built anew. It serves from here until it is healthy there."}
      </p>
      {targets.length === 0 ? (
        <p>
          There is no other server that is online and takes projects.{" "}
          <Link href="/servers?add=1" className="underline underline-offset-4">
            Add a server
          </Link>
        </p>
      ) : (
        <Button variant="secondary" className="w-fit" onClick={() => setOpen(true)}>
          <MoveRightIcon aria-hidden /> Move to another server
        </Button>
      )}
      {open ? <MoveDialog project={project} targets={targets} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

/** On which server it runs, and the way to another one. */
export function MoveCard({ project }: { project: Project }) {
  const all = useQuery(servers());
  const { move } = project;
  return (
    <Card>
      <CardHeader>
        <CardTitle>Server</CardTitle>
        <Link
          href={`/servers/${part(project.server)}`}
          className="text-sm text-muted-foreground hover:text-foreground"
        >
          {project.server}
        </Link>
      </CardHeader>
      <CardBody className="grid gap-4 text-sm">
        {move && isMoving(project) ? (
          <Steps project={project} move={move} target={all.data?.find((s) => s.name === move.to)} />
        ) : all.data ? (
          <Choice
            project={project}
            targets={all.data.filter((s) => isOpen(s) && s.name !== project.server)}
          />
        ) : all.isPending ? (
          <Skeleton className="h-16" />
        ) : (
          <Problem
            title="The servers could not be loaded"
            error={all.error}
            onRetry={() => void all.refetch()}
            busy={all.isFetching}
            className="py-2"
          />
        )}
      </CardBody>
    </Card>
  );
}
