// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Server } from "@nanoscale/contracts";
import { expect, it } from "vitest";
import { findServer, statusOf, usageOf } from "./usage";

const server: Server = {
  id: "k3v9x0q2m7ta",
  name: "fra1",
  ip_address: "203.0.113.7",
  port: 4000,
  created_at: "2026-01-01T00:00:00.000Z",
  status: "online",
  reason: null,
  changed_at: null,
  seen_at: null,
  warnings: [],
  certificate_not_after: null,
  version: "0.5.0",
  draining: false,
  projects: 1,
  statistics: {
    at: "2026-01-01T00:00:00.000Z",
    cpu_percent: 12.34,
    memory_bytes: 512 * 1024 ** 2,
    swap_bytes: 0,
    disk_bytes: null,
    network_received_per_second: null,
    network_sent_per_second: null,
    load: 0.1,
    processors: 2,
    memory_total_bytes: 1024 ** 3,
    swap_total_bytes: 0,
    disk_total_bytes: 20 * 1024 ** 3,
    disk_free_bytes: 10 * 1024 ** 3,
    load_averages: [0, 0, 0],
    uptime_seconds: 60,
  },
};

it("has the parts of what is known", () => {
  expect(usageOf(server)).toEqual([
    { label: "CPU", value: 12.34, text: "12% of 2 processors" },
    { label: "Memory", value: 50, text: "512 MiB of 1 GiB" },
    { label: "Disk", value: null, text: "not known" },
  ]);
});

it("says nothing of a server that is away", () =>
  expect(usageOf({ ...server, status: "offline" }).map((u) => u.value)).toEqual([null, null, null]));

it("shows draining only while it is there", () => {
  expect(statusOf({ ...server, draining: true })).toBe("draining");
  expect(statusOf({ ...server, draining: true, status: "offline" })).toBe("offline");
});

it("finds by id before name", () => {
  const other = { ...server, id: "abcdefghijkl", name: "k3v9x0q2m7ta" };
  expect(findServer([other, server], "k3v9x0q2m7ta")).toBe(server);
  expect(findServer([server], "fra1")).toBe(server);
  expect(findServer([server], "none")).toBeUndefined();
});
