// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Deployment, Failure, Step } from "@nanoscale/contracts";
import { describe, expect, it } from "vitest";
import { diagnose } from "./remedy";
import { mergeSteps, statusOfDeployment, timeline } from "./states";

const project = {
  build_memory_mib: 512,
  memory_mib: 64,
  build_seconds: 1200,
  build_command: "bun run build",
};
const started = (sentence: string): Failure => ({ ...failed(sentence), step: "check" });
const failed = (sentence: string, ...last_lines: string[]): Failure => ({
  step: "build",
  sentence,
  exit_code: 1,
  last_lines,
});

describe("why a deployment failed", () => {
  it("raises the limit that was hit, from what it is now", () => {
    const sentence = "Out of memory at 512 MiB: raise the project's build_memory_mib.";
    expect(diagnose(failed(sentence), project).remedies[0]).toMatchObject({
      changes: { build_memory_mib: 1024 },
    });
    expect(diagnose(failed(sentence), { ...project, build_memory_mib: 4096 }).remedies[0]).toMatchObject({
      changes: { build_memory_mib: 8192 },
    });
    expect(
      diagnose(started("The new release did not start: out of memory (limit 64 MiB)."), project).remedies[0],
    ).toMatchObject({ changes: { memory_mib: 128 } });
    expect(
      diagnose(failed("The build took longer than its limit of 1200 s: raise …"), project).remedies[0],
    ).toMatchObject({ changes: { build_seconds: 2400 } });
  });
  it("reads the last lines", () => {
    const title = (...lines: string[]) =>
      diagnose(failed("install failed with exit code 1.", ...lines), project).title;
    expect(title("error: lockfile had changes, but lockfile is frozen")).toContain("lockfile");
    expect(title('error: Script not found "build"')).toContain("script");
    expect(title("Module not found: Can't resolve './Button'")).toBe("The module ./Button was not found");
    expect(title("src/a.ts(1,2): error TS2304: Cannot find name 'x'.")).toContain("TypeScript");
    expect(title("Error: DATABASE_URL environment variable is required")).toContain("environment");
  });
  it("says what the agent says where it knows no more", () => {
    expect(diagnose(failed("build failed with exit code 1.", "boom"), project)).toEqual({
      title: "build failed with exit code 1.",
      advice: null,
      remedies: [{ kind: "retry", label: "Deploy again" }],
    });
  });
});

const step = (name: Step["name"], result: Step["result"]): Step => ({
  name,
  result,
  started_at: "",
  finished_at: null,
  duration_ms: null,
});
const deployment = (more: Partial<Deployment>) => ({ kind: "deploy", state: "build", ...more }) as Deployment;

describe("the steps of a deployment", () => {
  it("has those to come, and none that it does not take", () => {
    const steps = timeline(deployment({}), [step("fetch", "ok")]);
    expect(steps.map((s) => s.name)).toEqual(["fetch", "install", "build", "release", "start", "check"]);
    expect(steps[1]).toEqual({ name: "install", step: null, rest: "waiting" });
    expect(timeline(deployment({ kind: "restart", state: "failed" }), []).map((s) => s.rest)).toEqual([
      "absent",
      "absent",
    ]);
  });
  it("never goes back to running", () => {
    expect(mergeSteps([step("fetch", "ok")], [step("fetch", "running")])[0]?.result).toBe("ok");
    expect(mergeSteps([step("fetch", "running")], [step("fetch", "ok")])[0]?.result).toBe("ok");
  });
  it("is live only while it serves", () => {
    expect(statusOfDeployment(deployment({ state: "live" }), true)).toBe("live");
    expect(statusOfDeployment(deployment({ state: "live" }), false)).toBe("ok");
    expect(statusOfDeployment(deployment({ state: "failed" }), false)).toBe("failed");
  });
});
