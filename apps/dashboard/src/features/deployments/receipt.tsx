// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Receipt } from "@nanoscale/contracts";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { count } from "@/lib/format";
import { duration } from "@/lib/time";

/** What the switch came to, once the previous release has been drained. */
export function ReceiptCard({ receipt: r }: { receipt: Receipt }) {
  const facts: [string, string][] = [
    ["Healthy after", duration(r.healthy_ms)],
    ["Previous release drained in", duration(r.drain_ms)],
    ["Ended by themselves", count(r.connections_drained, "connection")],
    ["Cut", count(r.connections_cut, "connection")],
  ];
  return (
    <Card>
      <CardHeader>
        <CardTitle>Receipt of the switch</CardTitle>
      </CardHeader>
      <CardBody>
        <dl className="grid gap-2 text-sm">
          {facts.map(([term, fact]) => (
            <div key={term} className="flex justify-between gap-4">
              <dt className="text-muted-foreground">{term}</dt>
              <dd className="whitespace-nowrap tabular-nums">{fact}</dd>
            </div>
          ))}
        </dl>
      </CardBody>
    </Card>
  );
}
