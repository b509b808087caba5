// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project } from "@nanoscale/contracts";
import dynamic from "next/dynamic";
import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { CurrentRelease } from "./current";
import { LastDeployments } from "./last-deployments";
import { SleepCard } from "./sleep";

const Resources = dynamic(() => import("./resources").then((m) => m.Resources), {
  ssr: false,
  loading: () => (
    <Card className="grid h-80 p-5">
      <Skeleton />
    </Card>
  ),
});

export function Overview({ project }: { project: Project }) {
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_22rem]">
      <div className="grid gap-6">
        <CurrentRelease project={project} />
        <Resources project={project} />
        <LastDeployments project={project} />
      </div>
      <SleepCard project={project} />
    </div>
  );
}
