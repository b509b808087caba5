// SPDX-License-Identifier: AGPL-3.0-or-later
/** When a change of the settings counts, as docs/api.md says of each field. */
import type { Project } from "@nanoscale/contracts";
import { LABELS, type Fields } from "../projects/form/fields";
import type { Form } from "./form";

type Counts = "deployment" | "restart" | "switch" | "now";

const PROTECTION: Record<Exclude<keyof Form, keyof Fields>, string> = {
  gate: "Ask visitors for a password",
  gate_user: "User",
  gate_password: "Password",
  allow: "Networks",
  rate: "Requests a second",
  maintenance: "Maintenance",
  security_headers: "Security headers",
};
export const NAMES: Record<keyof Form, string> = { ...LABELS, ...PROTECTION, idle_minutes: "Sleep after" };

const COUNTS: Record<keyof Fields, Counts> = {
  repo_url: "deployment",
  branch: "deployment",
  name: "now",
  root_directory: "deployment",
  install_command: "deployment",
  build_command: "deployment",
  start_command: "deployment",
  static_directory: "deployment",
  node_version: "deployment",
  bun_version: "deployment",
  build_memory_mib: "deployment",
  build_cpu_percent: "deployment",
  build_seconds: "deployment",
  health_path: "restart",
  memory_mib: "restart",
  cpu_percent: "restart",
  tasks_max: "restart",
  port: "restart",
  exclusive: "restart",
  drain_seconds: "switch",
  scale_to_zero: "now",
  idle_minutes: "now",
  doze: "now",
};
const countsOf = (field: keyof Form): Counts => (field in COUNTS ? COUNTS[field as keyof Fields] : "now");

const WHEN: Record<Counts, string> = {
  deployment: "with the next deployment",
  restart: "with the next restart or deployment",
  switch: "when a release is replaced the next time",
  now: "at once",
};
const ORDER: readonly Counts[] = ["deployment", "restart", "switch", "now"];

/** Each once, in the words of the form. */
export const namesOf = (fields: readonly (keyof Form)[]) => [...new Set(fields.map((f) => NAMES[f]))];

type Live = Pick<Project, "live_release">;

export function effectOf(fields: readonly (keyof Form)[], { live_release: live }: Live): string {
  const groups = new Map<string, (keyof Form)[]>();
  for (const counts of ORDER) {
    const of = fields.filter((field) => countsOf(field) === counts);
    if (of.length === 0) continue;
    const when = live === null && counts !== "now" ? "with the first deployment" : WHEN[counts];
    groups.set(when, [...(groups.get(when) ?? []), ...of]);
  }
  const parts = [...groups];
  if (parts.length === 1) return `Counts ${parts[0]?.[0] ?? ""}.`;
  return `${parts.map(([when, of]) => `${namesOf(of).join(", ")} ${when}`).join("; ")}.`;
}

/** What has to follow so that all of it counts; null: nothing. */
export function needs(fields: readonly (keyof Form)[], { live_release: live }: Live) {
  const counts = fields.map(countsOf);
  if (live === null) return null;
  if (counts.includes("deployment")) return "deployments";
  return counts.includes("restart") ? "restart" : null;
}
