// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Range, Server, ServerSeries } from "@nanoscale/contracts";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { TimeChart } from "@/components/ui/chart";
import { Problem } from "@/components/ui/problem";
import { Segmented } from "@/components/ui/segmented";
import { Skeleton } from "@/components/ui/skeleton";
import { bytes, bytesPerSecond, percent } from "@/lib/format";
import { serverSeries } from "@/lib/queries";

const RANGES = [
  { value: "hour", label: "Hour" },
  { value: "day", label: "Day" },
  { value: "month", label: "Month" },
] as const;
/** As often as a step of the range is long, and no more than that. */
const REFETCH_MS: Record<Range, number> = { hour: 10_000, day: 60_000, month: 900_000 };

function Charts({ data, server }: { data: ServerSeries; server: Server }) {
  const { series, start, step_seconds: stepSeconds } = data;
  const common = { start, stepSeconds };
  const now = server.statistics;
  return (
    <div className="grid gap-8 xl:grid-cols-2">
      <TimeChart
        {...common}
        title="CPU"
        format={percent}
        max={100}
        lines={[{ name: "CPU", values: series.cpu_percent, colour: 1 }]}
      />
      <TimeChart
        {...common}
        title="Memory"
        format={bytes}
        base={1024}
        max={now ? Math.max(now.memory_total_bytes, now.swap_total_bytes) : undefined}
        lines={[
          { name: "Memory", values: series.memory_bytes, colour: 1 },
          { name: "Swap", values: series.swap_bytes, colour: 3 },
        ]}
      />
      <TimeChart
        {...common}
        title="Network"
        format={bytesPerSecond}
        base={1024}
        lines={[
          { name: "In", values: series.network_received_per_second, colour: 1 },
          { name: "Out", values: series.network_sent_per_second, colour: 2 },
        ]}
      />
      <TimeChart
        {...common}
        title="Disk"
        format={bytes}
        base={1024}
        max={now?.disk_total_bytes}
        lines={[{ name: "Used", values: series.disk_bytes, colour: 1 }]}
      />
    </div>
  );
}

export function ServerCharts({ server }: { server: Server }) {
  const [range, setRange] = useState<Range>("hour");
  const data = useQuery({
    ...serverSeries(server.id, range),
    refetchInterval: REFETCH_MS[range],
    placeholderData: keepPreviousData,
  });
  return (
    <Card>
      <CardHeader>
        <CardTitle>Load</CardTitle>
        <Segmented label="Time span" options={RANGES} value={range} onChange={setRange} />
      </CardHeader>
      <CardBody className={data.isPlaceholderData ? "opacity-60 transition-opacity" : undefined}>
        {data.isPending ? (
          <div className="grid gap-8 xl:grid-cols-2">
            {[0, 1, 2, 3].map((i) => (
              <Skeleton key={i} className="h-55" />
            ))}
          </div>
        ) : data.isLoadingError || !data.data ? (
          <Problem
            title="There are no measurements"
            error={data.error}
            onRetry={() => void data.refetch()}
            busy={data.isFetching}
          />
        ) : (
          <Charts data={data.data} server={server} />
        )}
      </CardBody>
    </Card>
  );
}
