// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Crash, Move, Project } from "@nanoscale/contracts";
import {
  ClockIcon,
  CloudOffIcon,
  ConstructionIcon,
  LoaderCircleIcon,
  MoveRightIcon,
  OctagonAlertIcon,
} from "lucide-react";
import Link from "next/link";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/problem";
import { Countdown, RelativeTime } from "@/components/ui/time";
import { plain } from "@/lib/ansi";
import { count } from "@/lib/format";
import { useNow } from "@/lib/now";
import { spanWords } from "@/lib/time";
import { isOver, KIND_WORDS } from "../deployments/states";
import { deploymentPath, useWake } from "./mutations";

const MOVE_WORDS: Record<Move["state"], string> = {
  queued: "It waits for two other moves.",
  placing: "The new server gets the project.",
  deploying: "The new server begins with the live commit.",
  building: "The new server builds, starts and checks the live commit.",
  lingering: "It serves from the new server.",
  undoing: "What the new server has of it is being removed.",
  failed: "It serves from the old server.",
};

function MoveBanner({ move }: { move: Move }) {
  const failed = move.state === "failed" || move.state === "undoing";
  const way = `${move.from ?? "a removed server"} to ${move.to ?? "a removed server"}`;
  const title = failed
    ? `The move from ${way} failed`
    : move.state === "lingering"
      ? `Moved from ${way}`
      : `Moving from ${way}`;
  return (
    <Notice tone={failed ? "danger" : "info"} title={title} icon={<MoveRightIcon aria-hidden />}>
      {move.failure ? `${move.failure} ` : null}
      {MOVE_WORDS[move.state]}{" "}
      {move.state === "lingering"
        ? `The old place serves for ${spanWords(move.linger_seconds)} more and is removed then, with what the app stored there.`
        : failed
          ? null
          : "Until it is done, the old one serves."}
    </Notice>
  );
}

function CrashBanner({ project, crash }: { project: Project; crash: Crash }) {
  const wake = useWake(project.name);
  const now = useNow();
  const again = crash.next_attempt && Date.parse(crash.next_attempt) > now ? crash.next_attempt : null;
  return (
    <Notice
      role="alert"
      title={`It crashed: ${crash.sentence}`}
      icon={<OctagonAlertIcon aria-hidden />}
      action={
        <div className="flex gap-2">
          <Button variant="secondary" size="sm" asChild>
            <Link href="?tab=logs">Logs</Link>
          </Button>
          <Button size="sm" busy={wake.isPending} onClick={() => wake.mutate()}>
            Start it now
          </Button>
        </div>
      }
    >
      <p>
        Since <RelativeTime at={crash.since} />, after {count(crash.attempts, "attempt")}. Visitors get status
        503.{" "}
        {again ? (
          <>
            It is started again in <Countdown at={again} />.
          </>
        ) : (
          "It is being started again."
        )}
      </p>
      {crash.last_lines.length > 0 ? (
        <pre
          tabIndex={0}
          aria-label="Its last lines"
          className="mt-2 max-h-40 overflow-auto rounded-md border bg-background px-3 py-2 font-mono text-xs leading-5 wrap-anywhere whitespace-pre-wrap text-foreground"
        >
          {crash.last_lines.map(plain).join("\n")}
        </pre>
      ) : null}
    </Notice>
  );
}

function LatestBanner({ project }: { project: Project }) {
  const d = project.latest_deployment;
  if (!d) return null;
  const link = (label: string) => (
    <Button variant="secondary" size="sm" asChild>
      <Link href={deploymentPath(d)}>{label}</Link>
    </Button>
  );
  if (!isOver(d)) {
    return (
      <Notice
        tone="info"
        title={`${KIND_WORDS[d.kind]} ${d.number} is under way`}
        icon={<LoaderCircleIcon aria-hidden className="animate-spin motion-reduce:animate-none" />}
        action={link("Watch it")}
      >
        {project.live_release === null ? null : `Release ${project.live_release} serves until it is healthy.`}
      </Notice>
    );
  }
  if (d.state !== "failed") return null;
  return (
    <Notice title={`${KIND_WORDS[d.kind]} ${d.number} failed`} action={link("See why")}>
      {d.failure?.sentence}{" "}
      {project.live_release === null ? null : `Release ${project.live_release} serves as before.`}
    </Notice>
  );
}

/** What has to be known before anything else about the project, worst first. */
export function Banners({ project }: { project: Project }) {
  return (
    <div className="mb-6 grid gap-3 empty:hidden">
      {project.status === "unreachable" ? (
        <Notice
          tone="warning"
          title={`${project.server} does not answer`}
          icon={<CloudOffIcon aria-hidden />}
          action={
            <Button variant="secondary" size="sm" asChild>
              <Link href={`/servers/${encodeURIComponent(project.server)}`}>The server</Link>
            </Button>
          }
        >
          Shown is what it said last. Most probably the app serves as before.
        </Notice>
      ) : null}
      {project.crash ? <CrashBanner project={project} crash={project.crash} /> : null}
      {project.site_problem ? (
        <Notice title="nginx does not have its latest names and protections">
          {project.site_problem} It is tried again each minute.
        </Notice>
      ) : null}
      {project.move ? <MoveBanner move={project.move} /> : null}
      {project.pending ? (
        <Notice tone="info" title="A change is on its way" icon={<ClockIcon aria-hidden />}>
          {project.server} gets it when it is back.
        </Notice>
      ) : null}
      {project.maintenance ? (
        <Notice
          tone="warning"
          title="Maintenance is on"
          icon={<ConstructionIcon aria-hidden />}
          action={
            <Button variant="secondary" size="sm" asChild>
              <Link href="?tab=settings">Settings</Link>
            </Button>
          }
        >
          Visitors get a page with status 503 instead of the app.
        </Notice>
      ) : null}
      <LatestBanner project={project} />
    </div>
  );
}
