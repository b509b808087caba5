// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Project, Server } from "@nanoscale/contracts";
import Link from "next/link";
import { Sparkline } from "@/components/ui/chart";
import { Skeleton } from "@/components/ui/skeleton";
import { bytes, count, percent, share } from "@/lib/format";
import { summarize } from "./summary";
import { useClusterUsage } from "./use-cluster-usage";

function Figure({
  label,
  href,
  value,
  detail,
  children,
}: {
  label: string;
  href: string;
  value: string | null;
  detail: string | null;
  children?: React.ReactNode;
}) {
  return (
    <div className="relative flex min-h-36 flex-col overflow-hidden rounded-xl border bg-surface transition-colors hover:border-input">
      <dt className="px-5 pt-4 text-sm text-muted-foreground">
        <Link href={href} className="after:absolute after:inset-0 after:rounded-xl">
          {label}
        </Link>
      </dt>
      <dd className="px-5 pt-1 text-2xl font-semibold tracking-tight tabular-nums">
        {value ?? <Skeleton className="h-8 w-20" />}
      </dd>
      <dd className="min-h-6 px-5 pt-1 text-sm text-muted-foreground">
        {value === null ? <Skeleton className="h-4 w-28" /> : detail}
      </dd>
      {children ? <dd className="mt-auto pt-1">{children}</dd> : null}
    </div>
  );
}

export function Cards({
  projects,
  servers,
}: {
  projects: Project[] | undefined;
  servers: Server[] | undefined;
}) {
  const usage = useClusterUsage(servers);
  const known = projects && servers ? summarize(projects, servers) : null;
  const cpu = usage ? (usage.cpu === null ? "–" : percent(usage.cpu)) : null;
  const memory = usage
    ? usage.memory === null
      ? "–"
      : percent(share(usage.memory, usage.memoryTotal))
    : null;
  return (
    <dl className="mb-6 grid grid-cols-1 gap-3 min-[26rem]:grid-cols-2 lg:grid-cols-4">
      <Figure
        label="Projects serving"
        href="/projects"
        value={known && `${known.serving} of ${known.projects}`}
        detail={
          known &&
          (known.trouble
            ? `${known.trouble} in trouble`
            : known.sleeping
              ? `${known.sleeping} of them asleep, ${bytes(known.savedBytes)} saved`
              : "None asleep")
        }
      />
      <Figure
        label="Servers online"
        href="/servers"
        value={known && `${known.online} of ${known.servers}`}
        detail={usage ? count(usage.processors, "processor") : null}
      />
      <Figure label="CPU" href="/servers" value={cpu} detail="Last hour, all servers">
        {usage?.cpuHistory.length ? (
          <Sparkline values={usage.cpuHistory} max={100} label="CPU in the last hour" />
        ) : null}
      </Figure>
      <Figure
        label="Memory"
        href="/servers"
        value={memory}
        detail={
          usage && usage.memory !== null
            ? `${bytes(usage.memory)} of ${bytes(usage.memoryTotal)}`
            : "Not measured yet"
        }
      >
        {usage?.memoryHistory.length ? (
          <Sparkline
            values={usage.memoryHistory}
            max={usage.memoryTotal || undefined}
            label="Memory in the last hour"
            colour={2}
          />
        ) : null}
      </Figure>
    </dl>
  );
}
