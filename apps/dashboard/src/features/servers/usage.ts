// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Server } from "@nanoscale/contracts";
import { bytes, count, percent, share } from "@/lib/format";

export type Usage = { label: string; value: number | null; text: string };

/** CPU, memory and disk of a server as parts of 100. Of one that is offline nothing: what it said last is no longer so. */
export function usageOf(server: Server): [Usage, Usage, Usage] {
  const now = server.status === "online" ? server.statistics : null;
  const of = (label: string, used: number | null | undefined, total: number | undefined): Usage =>
    used === null || used === undefined || !total
      ? { label, value: null, text: "not known" }
      : { label, value: share(used, total), text: `${bytes(used)} of ${bytes(total)}` };
  return [
    now?.cpu_percent == null
      ? { label: "CPU", value: null, text: "not known" }
      : {
          label: "CPU",
          value: now.cpu_percent,
          text: `${percent(now.cpu_percent)} of ${count(now.processors, "processor")}`,
        },
    of("Memory", now?.memory_bytes, now?.memory_total_bytes),
    of("Disk", now?.disk_bytes, now?.disk_total_bytes),
  ];
}

/** The status as it is shown: a server that is being emptied is online too, but that is not what matters. */
export const statusOf = (server: Server) =>
  server.status === "online" && server.draining ? "draining" : server.status;

/** By id, or by name where somebody typed that into the address. */
export const findServer = (servers: readonly Server[], key: string) =>
  servers.find((s) => s.id === key) ?? servers.find((s) => s.name === key);
