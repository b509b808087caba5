// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Domain } from "@nanoscale/contracts";
import type { StatusKey } from "@/components/ui/status";

export const statusOfDomain = (d: Pick<Domain, "state" | "ends_soon">): StatusKey =>
  d.state === "valid" && d.ends_soon ? "expiring" : d.state;

const SOON_MS = 3000;
const WAITING_MS = 30_000;

/** How often to ask again while somebody looks; false: what changes is told by itself. */
export function refetchEvery(domains: readonly Pick<Domain, "state" | "problem">[]): number | false {
  if (domains.some((d) => d.state === "issuing" || (d.state === "waiting" && !d.problem))) return SOON_MS;
  return domains.some((d) => d.state === "waiting") ? WAITING_MS : false;
}

/** Those that may be redirected to: visitors are sent on once. */
export const targetsFor = (domains: readonly Domain[], name: string | null) =>
  domains.filter((d) => d.redirect_to === null && d.name !== name).map((d) => d.name);

export const redirectingTo = (domains: readonly Domain[], name: string | null) =>
  domains.filter((d) => d.redirect_to !== null && d.redirect_to === name).map((d) => d.name);
