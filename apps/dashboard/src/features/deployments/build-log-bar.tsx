// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { CheckIcon, ClockIcon, CopyIcon, DownloadIcon, SearchIcon, TriangleAlertIcon } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { StreamBadge } from "@/components/ui/stream-state";
import { copyText } from "@/lib/clipboard";
import { downloadText } from "@/lib/download";
import { count } from "@/lib/format";
import type { StreamState } from "@/lib/sse";
import { toast } from "@/lib/toast";

export type LogView = { search: string; errorsOnly: boolean; times: boolean };

export function BuildLogBar({
  view,
  onView,
  state,
  found,
  total,
  text,
  name,
}: {
  view: LogView;
  onView: (view: LogView) => void;
  state: StreamState;
  found: number;
  total: number;
  text: () => string[];
  name: string;
}) {
  const [copied, setCopied] = useState(false);
  const filtered = view.errorsOnly || view.search.trim() !== "";
  const copy = async () => {
    const done = await copyText(text().join(""));
    if (!done) toast.error("Copying is not allowed here");
    setCopied(done);
    if (done) setTimeout(() => setCopied(false), 1600);
  };
  return (
    <div className="flex flex-wrap items-center gap-2 border-b py-2 pr-3 pl-5">
      <h2 className="text-sm font-medium">Log</h2>
      <StreamBadge state={state} />
      <span className="text-xs text-muted-foreground tabular-nums">
        {filtered ? `${found} of ${count(total, "line")}` : count(total, "line")}
      </span>
      <div className="ml-auto flex min-w-0 flex-1 basis-64 flex-wrap items-center justify-end gap-1">
        <div className="relative min-w-32 flex-1 sm:max-w-56">
          <SearchIcon
            aria-hidden
            className="pointer-events-none absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-muted-foreground"
          />
          <Input
            type="search"
            aria-label="Search the log"
            placeholder="Search"
            className="h-8 pl-8"
            value={view.search}
            onChange={(event) => onView({ ...view, search: event.target.value })}
          />
        </div>
        <Toggle
          label="Errors only"
          on={view.errorsOnly}
          onChange={(errorsOnly) => onView({ ...view, errorsOnly })}
        >
          <TriangleAlertIcon aria-hidden /> <span className="max-lg:sr-only">Errors only</span>
        </Toggle>
        <Toggle label="Times" on={view.times} onChange={(times) => onView({ ...view, times })}>
          <ClockIcon aria-hidden /> <span className="max-lg:sr-only">Times</span>
        </Toggle>
        <Button
          variant="ghost"
          size="sm"
          aria-label="Copy the lines"
          title="Copy the lines"
          onClick={() => void copy()}
        >
          {copied ? <CheckIcon aria-hidden className="text-success" /> : <CopyIcon aria-hidden />}
        </Button>
        <Button
          variant="ghost"
          size="sm"
          aria-label="Download the lines"
          title="Download the lines"
          onClick={() => downloadText(name, text())}
        >
          <DownloadIcon aria-hidden />
        </Button>
      </div>
    </div>
  );
}

function Toggle({
  label,
  on,
  onChange,
  children,
}: {
  label: string;
  on: boolean;
  onChange: (on: boolean) => void;
  children: React.ReactNode;
}) {
  return (
    <Button
      variant="ghost"
      size="sm"
      aria-pressed={on}
      title={label}
      className={on ? "bg-muted text-foreground" : "text-muted-foreground"}
      onClick={() => onChange(!on)}
    >
      {children}
    </Button>
  );
}
