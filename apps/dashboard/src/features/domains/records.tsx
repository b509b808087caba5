// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Domain } from "@nanoscale/contracts";
import { Code } from "@/components/ui/code";
import { Again } from "./again";
import { dnsAdvice, type DnsRecord } from "./dns";

function Record({ name, record: { type, value } }: { name: string; record: DnsRecord }) {
  return (
    <li className="grid items-center gap-2 sm:grid-cols-[4rem_minmax(0,1fr)_minmax(0,1fr)]">
      <span className="font-mono text-sm font-medium">
        <span className="sr-only">Type </span>
        {type}
      </span>
      <Code value={name} label={`Copy the name of the ${type} record`} />
      <Code value={value} label={`Copy the value of the ${type} record`} />
    </li>
  );
}

function Headings() {
  return (
    <div
      aria-hidden
      className="hidden gap-2 text-xs text-muted-foreground sm:grid sm:grid-cols-[4rem_minmax(0,1fr)_minmax(0,1fr)]"
    >
      <span>Type</span>
      <span>Name</span>
      <span>Value</span>
    </div>
  );
}

/** The record to set, or the one to take away, and what is seen. Nothing where the DNS is not what it waits for. */
export function Records({ domain }: { domain: Domain }) {
  const advice = dnsAdvice(domain);
  if (!advice || !domain.problem) return null;
  const { set, remove, seen } = advice;
  const records = remove ? [remove] : set;
  return (
    <div className="grid gap-3 rounded-lg border bg-background p-4 text-sm">
      <p className="font-medium">
        {remove
          ? "Remove this record at whoever has its DNS"
          : set.length > 1
            ? "Set these records, or one of them, at whoever has its DNS"
            : "Set this record at whoever has its DNS"}
      </p>
      {records.length > 0 ? (
        <div className="grid gap-1.5">
          <Headings />
          <ul className="grid gap-2">
            {records.map((record) => (
              <Record key={record.type} name={domain.name} record={record} />
            ))}
          </ul>
        </div>
      ) : (
        <p>An A record with the address of the project’s server.</p>
      )}
      <p className="text-muted-foreground">
        {remove
          ? "It points here as well; the authority may ask at either."
          : seen
            ? `It points to ${seen} now.`
            : "It has no address yet."}{" "}
        <Again at={domain.next_try} act="looked at" />
      </p>
    </div>
  );
}
