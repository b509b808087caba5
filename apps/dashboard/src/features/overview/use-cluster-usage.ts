// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Server } from "@nanoscale/contracts";
import { useQueries } from "@tanstack/react-query";
import { serverSeries } from "@/lib/queries";
import { combine, type Values } from "@/lib/series";

const REFETCH_MS = 60_000;

export type ClusterUsage = {
  /** Of all processors together, 0 to 100, and its last hour. */
  cpu: number | null;
  cpuHistory: Values;
  processors: number;
  memory: number | null;
  memoryTotal: number;
  memoryHistory: Values;
};

/** Of the servers that are online: one that is away says nothing, and is not counted with what it said last. */
export function useClusterUsage(servers: readonly Server[] | undefined): ClusterUsage | undefined {
  const measured = (servers ?? []).flatMap((s) =>
    s.status === "online" && s.statistics ? [{ id: s.id, now: s.statistics }] : [],
  );
  const histories = useQueries({
    queries: measured.map(({ id }) => ({
      ...serverSeries(id, "hour"),
      refetchInterval: REFETCH_MS,
      staleTime: REFETCH_MS / 2,
    })),
  });
  if (!servers) return undefined;
  const known = measured.flatMap(({ now }, i) => {
    const series = histories[i]?.data?.series;
    return series
      ? [{ processors: now.processors, cpu: series.cpu_percent, memory: series.memory_bytes }]
      : [];
  });
  const cpus = measured.map(({ now }) => [now.cpu_percent]);
  const memories = measured.map(({ now }) => [now.memory_bytes]);
  const processors = measured.map(({ now }) => now.processors);
  return {
    cpu: combine(cpus, processors)[0] ?? null,
    cpuHistory: combine(
      known.map((k) => k.cpu),
      known.map((k) => k.processors),
    ),
    processors: processors.reduce((sum, n) => sum + n, 0),
    memory: combine(memories)[0] ?? null,
    memoryTotal: measured.reduce((sum, { now }) => sum + now.memory_total_bytes, 0),
    memoryHistory: combine(known.map((k) => k.memory)),
  };
}
