// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project } from "@nanoscale/contracts";
import { ArrowDownIcon, DownloadIcon, PauseIcon, PlayIcon, SearchIcon } from "lucide-react";
import dynamic from "next/dynamic";
import { useEffect, useState, useSyncExternalStore } from "react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Input } from "@/components/ui/input";
import { Notice } from "@/components/ui/problem";
import { Select } from "@/components/ui/select";
import { Skeleton } from "@/components/ui/skeleton";
import { StreamBadge } from "@/components/ui/stream-state";
import { Empty } from "@/components/ui/empty";
import { downloadText } from "@/lib/download";
import { count } from "@/lib/format";
import { LogStore } from "./store";
import { forFile, isSince, SINCE } from "./text";

const LogTerminal = dynamic(() => import("./terminal"), {
  ssr: false,
  loading: () => <Skeleton className="h-[min(68vh,44rem)] rounded-none" />,
});

function Logs({ project }: { project: Project }) {
  const [store] = useState(() => new LogStore());
  const { state, view, paused, shown, unseen } = useSyncExternalStore(
    store.subscribe,
    store.read,
    store.read,
  );
  useEffect(() => store.start(project.name), [store, project.name]);
  const download = () => downloadText(`${project.name}.log`, forFile(store.lines()));
  return (
    <Card aria-label="Log of the app">
      <div className="flex flex-wrap items-center gap-2 border-b py-2 pr-3 pl-5">
        <StreamBadge state={state} paused={paused} />
        <span className="text-xs text-muted-foreground tabular-nums">{count(shown, "line")}</span>
        <div className="ml-auto flex min-w-0 flex-1 basis-72 flex-wrap items-center justify-end gap-2">
          <div className="relative min-w-32 flex-1 sm:max-w-64">
            <SearchIcon
              aria-hidden
              className="pointer-events-none absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-muted-foreground"
            />
            <Input
              type="search"
              aria-label="Search the lines"
              placeholder="Search"
              className="h-8 pl-8"
              value={view.filter}
              onChange={(event) => store.setView({ filter: event.target.value })}
            />
          </div>
          <div className="w-32">
            <Select
              aria-label="Since"
              className="h-8"
              value={view.since}
              onChange={(event) =>
                isSince(event.target.value) && store.setView({ since: event.target.value })
              }
            >
              {SINCE.map((s) => (
                <option key={s.value} value={s.value}>
                  {s.label}
                </option>
              ))}
            </Select>
          </div>
          <Button
            variant="ghost"
            size="sm"
            aria-pressed={view.times}
            className={view.times ? "bg-muted" : "text-muted-foreground"}
            onClick={() => store.setView({ times: !view.times })}
          >
            Times
          </Button>
          <Button variant="secondary" size="sm" onClick={() => store.setPaused(!paused)}>
            {paused ? <PlayIcon aria-hidden /> : <PauseIcon aria-hidden />}
            {paused ? "Follow" : "Pause"}
          </Button>
          <Button variant="ghost" size="sm" aria-label="Download" title="Download" onClick={download}>
            <DownloadIcon aria-hidden />
          </Button>
        </div>
      </div>
      {state.kind === "refused" || state.kind === "lost" ? (
        <Notice tone="warning" className="m-3">
          {state.error.message}
        </Notice>
      ) : null}
      <div className="relative overflow-hidden rounded-b-xl bg-white dark:bg-[#0a0b0f]">
        <LogTerminal onReady={store.setScreen} onAway={store.setPaused} readable={paused} />
        {paused ? (
          <Button
            variant="secondary"
            size="sm"
            className="absolute right-5 bottom-4 shadow-lg"
            onClick={() => store.setPaused(false)}
          >
            <ArrowDownIcon aria-hidden />
            {unseen > 0 ? `${count(unseen, "new line")}: jump to the end` : "Jump to the end"}
          </Button>
        ) : null}
        {shown === 0 && state.kind === "live" ? (
          <p className="pointer-events-none absolute inset-x-0 top-6 text-center text-sm text-muted-foreground">
            {view.filter || view.since !== "all" ? "No line is like that." : "It has written nothing yet."}
          </p>
        ) : null}
      </div>
    </Card>
  );
}

export function LogsTab({ project }: { project: Project }) {
  if (project.live_release === null || project.live_kind === "static") {
    return (
      <Card>
        <Empty icon={<SearchIcon aria-hidden />} title="No app, no lines">
          {project.live_kind === "static"
            ? "nginx serves the files of a static site; there is no program that writes a log."
            : "What the app writes is here once a deployment is live. Until then each deployment has its own log."}
        </Empty>
      </Card>
    );
  }
  return <Logs project={project} />;
}
