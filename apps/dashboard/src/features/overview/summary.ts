// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Project, Server } from "@nanoscale/contracts";
import { count } from "@/lib/format";

/** What the overview says in figures, all of it from the lists of projects and servers. */
export type Summary = {
  projects: number;
  serving: number;
  trouble: number;
  sleeping: number;
  savedBytes: number;
  online: number;
  servers: number;
};

export function summarize(projects: readonly Project[], servers: readonly Server[]): Summary {
  const asleep = projects.filter((p) => p.status === "sleeping");
  return {
    projects: projects.length,
    serving: projects.filter(
      (p) => p.live_release !== null && p.status !== "crashed" && p.status !== "unreachable",
    ).length,
    trouble: projects.filter(
      (p) => p.status === "crashed" || p.status === "failed" || p.status === "unreachable",
    ).length,
    sleeping: asleep.length,
    savedBytes: asleep.reduce((sum, p) => sum + (p.sleep.ram_saved_bytes ?? 0), 0),
    online: servers.filter((s) => s.status === "online").length,
    servers: servers.length,
  };
}

export type Trouble = { key: string; href: string; name: string; sentence: string; grave: boolean };

/** Certificates that end soon, by their domain: the projects' own, which say more than their server's warning does. */
const endingSoon = (projects: readonly Project[]) =>
  projects.flatMap((p) => p.domains.filter((d) => d.ends_soon && d.problem).map((d) => d.name));

/** Everything that somebody should see to, the gravest first. */
export function troubles(projects: readonly Project[], servers: readonly Server[]): Trouble[] {
  const all: Trouble[] = [];
  const ending = endingSoon(projects);
  const isToldBelow = (sentence: string) =>
    ending.some((name) => sentence.startsWith(`The certificate of ${name} `));
  for (const s of servers) {
    const href = `/servers/${encodeURIComponent(s.id)}`;
    if (s.status === "offline")
      all.push({
        key: `${s.id} off`,
        href,
        name: s.name,
        sentence: s.reason ?? "It does not answer.",
        grave: true,
      });
    for (const w of s.warnings.filter(({ sentence }) => !isToldBelow(sentence)))
      all.push({
        key: `${s.id} ${w.type} ${w.sentence}`,
        href,
        name: s.name,
        sentence: w.sentence,
        grave: false,
      });
  }
  for (const p of projects) {
    const href = `/projects/${encodeURIComponent(p.name)}`;
    if (p.crash)
      all.push({
        key: `${p.id} crash`,
        href,
        name: p.name,
        sentence: `Crashed: ${p.crash.sentence}`,
        grave: true,
      });
    else if (p.status === "failed")
      all.push({
        key: `${p.id} failed`,
        href,
        name: p.name,
        sentence: p.latest_deployment?.failure?.sentence ?? "Every deployment so far failed.",
        grave: true,
      });
    if (p.site_problem)
      all.push({ key: `${p.id} site`, href, name: p.name, sentence: p.site_problem, grave: true });
    if (p.move?.state === "failed")
      all.push({
        key: `${p.id} move`,
        href,
        name: p.name,
        sentence: p.move.failure ?? "Its move failed.",
        grave: false,
      });
    for (const d of p.domains) {
      if (d.state !== "failed" && !(d.ends_soon && d.problem)) continue;
      all.push({
        key: `${p.id} ${d.name}`,
        href: `${href}?tab=domains`,
        name: d.name,
        sentence: d.problem?.sentence ?? "It has no certificate.",
        grave: d.state === "failed",
      });
    }
  }
  return all.sort((a, b) => Number(b.grave) - Number(a.grave));
}

export function health({
  online,
  servers,
  trouble,
}: Pick<Summary, "online" | "servers" | "trouble">): string {
  const away = servers - online;
  const parts = [
    away > 0 ? `${count(away, "server")} offline` : null,
    trouble > 0 ? `${count(trouble, "project")} in trouble` : null,
  ];
  const said = parts.filter((p) => p !== null);
  return said.length ? said.join(", ") : "Everything is up.";
}
