// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project, Range } from "@nanoscale/contracts";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ActivityIcon } from "lucide-react";
import { useState } from "react";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { TimeChart } from "@/components/ui/chart";
import { Empty } from "@/components/ui/empty";
import { Problem } from "@/components/ui/problem";
import { Segmented } from "@/components/ui/segmented";
import { Skeleton } from "@/components/ui/skeleton";
import { bytes, percent } from "@/lib/format";
import { projectSeries } from "@/lib/queries";

const RANGES = [
  { value: "hour", label: "Hour" },
  { value: "day", label: "Day" },
  { value: "month", label: "Month" },
] as const;
const REFETCH_MS: Record<Range, number> = { hour: 10_000, day: 60_000, month: 900_000 };

export function Resources({ project }: { project: Project }) {
  const [range, setRange] = useState<Range>("hour");
  const data = useQuery({
    ...projectSeries(project.id, range),
    refetchInterval: REFETCH_MS[range],
    placeholderData: keepPreviousData,
    enabled: project.live_kind !== "static",
  });
  if (project.live_kind === "static") return null;
  const known = data.data;
  const empty = known ? known.series.memory_bytes.every((v) => v === null) : false;
  return (
    <Card>
      <CardHeader>
        <CardTitle>Resources</CardTitle>
        <Segmented label="Time span" options={RANGES} value={range} onChange={setRange} />
      </CardHeader>
      <CardBody className={data.isPlaceholderData ? "opacity-60 transition-opacity" : undefined}>
        {data.isPending ? (
          <div className="grid gap-8 xl:grid-cols-2">
            <Skeleton className="h-55" />
            <Skeleton className="h-55" />
          </div>
        ) : !known ? (
          <Problem
            title="There are no measurements"
            error={data.error}
            onRetry={() => void data.refetch()}
            busy={data.isFetching}
          />
        ) : empty ? (
          <Empty icon={<ActivityIcon aria-hidden />} title="Not measured yet" className="py-8">
            A sample is taken every ten seconds from the first start on.
          </Empty>
        ) : (
          <div className="grid gap-8 xl:grid-cols-2">
            <TimeChart
              title="Memory"
              start={known.start}
              stepSeconds={known.step_seconds}
              format={bytes}
              base={1024}
              lines={[{ name: "In RAM", values: known.series.memory_bytes, colour: 1 }]}
            />
            <TimeChart
              title="Processor"
              start={known.start}
              stepSeconds={known.step_seconds}
              format={percent}
              least={2}
              lines={[{ name: "Of one core", values: known.series.cpu_percent, colour: 2 }]}
            />
          </div>
        )}
      </CardBody>
    </Card>
  );
}
