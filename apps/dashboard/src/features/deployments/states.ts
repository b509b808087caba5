// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Deployment, Step, StepName } from "@nanoscale/contracts";
import type { StatusKey } from "@/components/ui/status";

const ENDED = new Set(["live", "failed", "canceled", "superseded"]);
export const isOver = (d: Pick<Deployment, "state">) => ENDED.has(d.state);

/** Of each project the newest that went live: the others did, and are over. The list is newest first. */
export function currentOf(list: readonly Deployment[]): ReadonlySet<string> {
  const newest = new Map<string, string>();
  for (const d of list) if (d.state === "live" && !newest.has(d.project_id)) newest.set(d.project_id, d.id);
  return new Set(newest.values());
}

/** "Live" is said of what serves now alone: the API keeps the word for all that ever did. */
export const statusOfDeployment = (d: Deployment, current: boolean): StatusKey =>
  d.state === "live" && !current ? "ok" : d.state;

export const KIND_WORDS = { deploy: "Deployment", rollback: "Rollback", restart: "Restart" } as const;

export const STEP_WORDS: Record<StepName, { title: string; detail: string }> = {
  fetch: { title: "Fetch", detail: "Gets the commit from the repository" },
  install: { title: "Install", detail: "Installs the dependencies" },
  build: { title: "Build", detail: "Runs the build command" },
  release: { title: "Release", detail: "Keeps what the build made" },
  start: { title: "Start", detail: "Starts it beside what serves" },
  check: { title: "Health check", detail: "Waits for a healthy answer, then switches" },
};
const ALL: readonly StepName[] = ["fetch", "install", "build", "release", "start", "check"];
const WITHOUT_BUILD: readonly StepName[] = ["start", "check"];

/** A step that the deployment has, or has yet to come to (`waiting`), or never will (`absent`). */
export type TimelineStep = { name: StepName; step: Step | null; rest: "waiting" | "absent" };

export function timeline(d: Deployment, steps: readonly Step[]): TimelineStep[] {
  const names = d.kind === "deploy" ? ALL : WITHOUT_BUILD;
  return names.map((name) => ({
    name,
    step: steps.find((s) => s.name === name) ?? null,
    rest: isOver(d) ? "absent" : "waiting",
  }));
}

/** The newer of what was asked for and what the stream has told since. */
export function mergeSteps(asked: readonly Step[], told: readonly Step[]): Step[] {
  const merged = new Map(asked.map((s) => [s.name, s]));
  for (const step of told) {
    const old = merged.get(step.name);
    if (!old || old.result === "running" || step.result !== "running") merged.set(step.name, step);
  }
  return [...merged.values()];
}
