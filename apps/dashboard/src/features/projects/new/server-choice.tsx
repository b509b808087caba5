// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Server } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import { Problem } from "@/components/ui/problem";
import { Meter } from "@/components/ui/progress";
import { Skeleton } from "@/components/ui/skeleton";
import { cn } from "@/lib/cn";
import { bytes, share } from "@/lib/format";
import { servers } from "@/lib/queries";
import { freeOf, isOpen } from "../../servers/open";

function Ram({ server }: { server: Server }) {
  const free = freeOf(server);
  const { statistics } = server;
  if (free === null || !statistics)
    return <span className="text-muted-foreground">RAM not measured yet</span>;
  const text = `${bytes(free)} of ${bytes(statistics.memory_total_bytes)} RAM free`;
  return (
    <span className="grid gap-1.5">
      <span className="text-muted-foreground tabular-nums">{text}</span>
      <Meter
        label={`RAM of ${server.name}`}
        value={share(statistics.memory_bytes ?? 0, statistics.memory_total_bytes)}
        text={text}
      />
    </span>
  );
}

export function ServerChoice({
  value,
  onChange,
}: {
  value: string | null;
  onChange: (name: string) => void;
}) {
  const all = useQuery(servers());
  if (all.isPending) return <Skeleton className="h-24" />;
  if (!all.data) {
    return (
      <Problem
        title="The servers could not be loaded"
        error={all.error}
        onRetry={() => void all.refetch()}
        busy={all.isFetching}
        className="py-4"
      />
    );
  }
  return (
    <fieldset className="-m-0.5 grid max-h-80 gap-3 overflow-y-auto p-0.5 sm:grid-cols-2">
      <legend className="mb-1.5 text-sm font-medium">Server</legend>
      {all.data.map((server) => {
        const open = isOpen(server);
        return (
          <label
            key={server.id}
            className={cn(
              "grid cursor-pointer gap-1.5 rounded-lg border bg-background px-4 py-3 text-sm hover:border-input has-checked:border-primary has-focus-visible:outline-2 has-focus-visible:outline-ring",
              !open && "cursor-default opacity-60",
            )}
          >
            <span className="flex items-center gap-2 font-medium">
              <input
                type="radio"
                name="server"
                disabled={!open}
                checked={server.name === value}
                onChange={() => onChange(server.name)}
              />
              {server.name}
            </span>
            {open ? (
              <Ram server={server} />
            ) : (
              <span className="text-muted-foreground">
                {server.draining ? "Takes no new projects" : "Offline"}
              </span>
            )}
          </label>
        );
      })}
    </fieldset>
  );
}
