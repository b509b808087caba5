// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Server } from "@nanoscale/contracts";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy-button";
import { RelativeTime } from "@/components/ui/time";
import { bytes, percent } from "@/lib/format";
import { duration } from "@/lib/time";
import { UsageBar } from "./usage-bar";

function Fact({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div className="flex items-baseline justify-between gap-4 py-1.5">
      <dt className="shrink-0 text-muted-foreground">{label}</dt>
      <dd className="min-w-0 text-right break-words">{children}</dd>
    </div>
  );
}

export function ServerFacts({ server }: { server: Server }) {
  const now = server.statistics;
  return (
    <Card>
      <CardHeader>
        <CardTitle>{server.status === "online" ? "Now" : "When it was last seen"}</CardTitle>
        {now ? <RelativeTime at={now.at} className="text-sm text-muted-foreground" /> : null}
      </CardHeader>
      <CardBody className="grid gap-3 text-sm">
        {now ? (
          <>
            <UsageBar label="CPU" used={now.cpu_percent} total={100} format={percent} />
            <UsageBar label="Memory" used={now.memory_bytes} total={now.memory_total_bytes} format={bytes} />
            {now.swap_total_bytes > 0 ? (
              <UsageBar label="Swap" used={now.swap_bytes} total={now.swap_total_bytes} format={bytes} />
            ) : null}
            <UsageBar label="Disk" used={now.disk_bytes} total={now.disk_total_bytes} format={bytes} />
          </>
        ) : (
          <p className="text-muted-foreground">Not measured yet.</p>
        )}
        <dl className="mt-1 border-t pt-2">
          <Fact label="Address">
            <span className="inline-flex items-center gap-1 font-mono text-xs break-all">
              {server.ip_address}
              <CopyButton value={server.ip_address} label="Copy the address" className="-my-1 -mr-1.5" />
            </span>
          </Fact>
          <Fact label="Port of its gateway">{server.port}</Fact>
          <Fact label="NanoScale">{server.version}</Fact>
          {now ? (
            <>
              <Fact label="Processors">{now.processors}</Fact>
              <Fact label="Load of 1, 5, 15 min">
                <span className="tabular-nums">{now.load_averages.map((l) => l.toFixed(2)).join("  ")}</span>
              </Fact>
              <Fact label="Up for">{duration(now.uptime_seconds * 1000)}</Fact>
            </>
          ) : null}
          {server.clock_difference_seconds ? (
            <Fact label="Its clock differs by">
              {duration(Math.abs(server.clock_difference_seconds) * 1000)}
            </Fact>
          ) : null}
          {server.seen_at ? (
            <Fact label="Last answer">
              <RelativeTime at={server.seen_at} />
            </Fact>
          ) : null}
          {server.certificate_not_after ? (
            <Fact label="Gateway certificate ends">
              <RelativeTime at={server.certificate_not_after} />
            </Fact>
          ) : null}
          <Fact label="In the cluster since">
            <RelativeTime at={server.created_at} />
          </Fact>
        </dl>
      </CardBody>
    </Card>
  );
}
