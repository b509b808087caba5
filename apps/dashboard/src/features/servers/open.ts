// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Server } from "@nanoscale/contracts";

/** It takes projects. */
export const isOpen = (server: Server) => server.status === "online" && !server.draining;

export const freeOf = (server: Server) =>
  server.statistics && server.statistics.memory_bytes !== null
    ? server.statistics.memory_total_bytes - server.statistics.memory_bytes
    : null;

/** The one with the most RAM to spare of those that take projects. */
export const roomiest = (list: readonly Server[]): Server | undefined =>
  list.filter(isOpen).toSorted((a, b) => (freeOf(b) ?? -1) - (freeOf(a) ?? -1))[0];
