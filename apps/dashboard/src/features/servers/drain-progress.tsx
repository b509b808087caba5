// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Server } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import { CircleCheckIcon, LogOutIcon, MoveRightIcon } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card, CardHeader, CardTitle } from "@/components/ui/card";
import { Notice } from "@/components/ui/problem";
import { Status } from "@/components/ui/status";
import { part } from "@/lib/api";
import { count } from "@/lib/format";
import { projects } from "@/lib/queries";
import { DrainDialog } from "./drain-dialog";
import { isStuck, leaving, moveWords, type Leaving } from "./moves";

function Row({ item }: { item: Leaving }) {
  const status = isStuck(item) ? "failed" : item.move?.state === "lingering" ? "ok" : "moving";
  return (
    <li className="flex items-start justify-between gap-4 px-5 py-3 text-sm">
      <span className="min-w-0">
        <Link
          href={`/projects/${part(item.project)}`}
          prefetch={false}
          className="font-medium underline-offset-4 hover:underline"
        >
          {item.project}
        </Link>
        <span className="block break-words text-muted-foreground">{moveWords(item)}</span>
      </span>
      <Status value={item.move === null ? "waiting" : status} className="shrink-0" />
    </li>
  );
}

/** How far the draining of a server is: what is left on it, and how that gets away. It is done when nothing is. */
export function DrainProgress({ server }: { server: Server }) {
  const all = useQuery(projects()).data;
  const [again, setAgain] = useState(false);
  if (!all) return null;
  const left = leaving(all, server.name);
  if (left.length === 0) {
    return (
      <Notice tone="success" icon={<CircleCheckIcon aria-hidden />} title="Nothing is left on it">
        It takes no new projects: it can be turned off or removed.
      </Notice>
    );
  }
  const stuck = left.filter(isStuck).length;
  return (
    <Card className={stuck > 0 ? "border-warning/40" : "border-info/40"}>
      <CardHeader>
        <CardTitle className="flex items-center gap-2">
          <MoveRightIcon aria-hidden className="size-4 text-info" /> It is being drained
        </CardTitle>
        <span role="status" className="text-sm text-muted-foreground">
          {count(left.length, "project")} left{stuck > 0 ? `, ${stuck} not moving` : null}
        </span>
        {stuck > 0 ? (
          <Button variant="secondary" size="sm" onClick={() => setAgain(true)}>
            <LogOutIcon aria-hidden /> Drain again
          </Button>
        ) : null}
      </CardHeader>
      <ul aria-label="Projects that are left" className="max-h-80 divide-y overflow-y-auto">
        {left.map((item) => (
          <Row key={item.project} item={item} />
        ))}
      </ul>
      <DrainDialog server={server} moving={stuck} open={again} onOpenChange={setAgain} />
    </Card>
  );
}
