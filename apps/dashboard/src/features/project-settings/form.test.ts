// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Project } from "@nanoscale/contracts";
import { describe, expect, it } from "vitest";
import { effectOf, namesOf, needs } from "./effect";
import { changedFields, formOf, inputOf, networks, patchOf, problemsOf, type Form } from "./form";

const project: Project = {
  id: "abcdefghijkl",
  name: "shop",
  server: "fra1",
  url: "http://shop.example.com",
  host: "shop.example.com",
  status: "live",
  repo_url: "https://git.example/acme/shop.git",
  branch: "main",
  root_directory: "",
  node_version: "20",
  bun_version: "1.2.20",
  install_command: "bun install --frozen-lockfile",
  build_command: "bun run build",
  start_command: "bun run start",
  static_directory: "",
  build_memory_mib: 2048,
  build_cpu_percent: 200,
  build_seconds: 1200,
  port: 3000,
  domain: null,
  health_path: "/",
  memory_mib: 512,
  cpu_percent: 200,
  tasks_max: 256,
  exclusive: false,
  scale_to_zero: true,
  idle_seconds: 900,
  doze: true,
  drain_seconds: 120,
  gate: null,
  allow: [],
  rate: 0,
  maintenance: false,
  security_headers: false,
  live_release: 3,
  live_commit: null,
  live_kind: "app",
  env_count: 0,
  latest_deployment: null,
  domains: [],
  site_problem: null,
  created_at: "2026-01-01T00:00:00.000Z",
  memory_bytes: null,
  sleep: {
    kind: null,
    since: null,
    ram_saved_bytes: null,
    wakes: { count: 0, p50_ms: null, p99_ms: null, last_ms: null, last_at: null },
  },
  crash: null,
};

function edit(change: Partial<Form>, of: Partial<Project> = {}) {
  const now = { ...project, ...of };
  const base = formOf(now);
  const form = { ...base, ...change };
  return {
    changed: changedFields(form, base),
    patch: patchOf(form, base, now),
    problems: Object.keys(problemsOf(form, base)),
  };
}

describe("the settings of a project", () => {
  it("send what was changed and nothing else", () => {
    expect(edit({})).toEqual({ changed: [], patch: {}, problems: [] });
    expect(edit({ branch: " dev", memory_mib: "1024", doze: false }).patch).toEqual({
      branch: "dev",
      memory_mib: 1024,
      doze: false,
    });
  });
  it("are held to the rules where they were changed, not where they stand", () => {
    expect(edit({ memory_mib: "1", health_path: "x" }).problems.sort()).toEqual([
      "health_path",
      "memory_mib",
    ]);
    expect(edit({ branch: "dev" }, { health_path: "x" }).problems).toEqual([]);
  });
  it("know one way not to sleep", () => {
    expect(edit({ scale_to_zero: false, idle_minutes: "x" })).toEqual({
      changed: ["scale_to_zero"],
      patch: { scale_to_zero: false },
      problems: [],
    });
    expect(edit({ idle_minutes: "5" }).patch).toEqual({ idle_seconds: 300 });
    expect(edit({ scale_to_zero: true }, { idle_seconds: 0 }).patch).toEqual({
      scale_to_zero: true,
      idle_seconds: 900,
    });
    // Set on the command line, in seconds.
    expect(edit({ branch: "dev" }, { idle_seconds: 90 })).toMatchObject({
      patch: { branch: "dev" },
      problems: [],
    });
  });
  it("keep the password of a gate that is not typed anew", () => {
    const gate = { gate: { user: "ada" } };
    expect(edit({ gate: true, gate_user: "ada", gate_password: "long enough" }).patch).toEqual({
      gate: { user: "ada", password: "long enough" },
    });
    expect(edit({ gate: true, gate_user: "ada" }).problems).toEqual(["gate_password"]);
    expect(edit({ gate_user: "bob" }, gate).problems).toEqual(["gate_password"]);
    expect(edit({ gate_password: "short" }, gate).problems).toEqual(["gate_password"]);
    expect(edit({ gate: true, gate_user: "a b", gate_password: "long enough" }).problems).toEqual([
      "gate_user",
    ]);
    expect(edit({ gate: false }, gate).patch).toEqual({ gate: null });
    expect(edit({ branch: "dev" }, gate)).toMatchObject({ patch: { branch: "dev" }, problems: [] });
  });
  it("take networks as they are typed", () => {
    expect(networks("203.0.113.0/24,\n 2001:DB8::1\n\n198.51.100.7")).toEqual([
      "203.0.113.0/24",
      "2001:db8::1/128",
      "198.51.100.7/32",
    ]);
    expect(edit({ allow: " 10.0.0.0/8 \n" }, { allow: ["10.0.0.0/8"] }).changed).toEqual([]);
    expect(edit({ allow: "10.0.0.1" }).patch).toEqual({ allow: ["10.0.0.1/32"] });
    expect(edit({ allow: Array.from({ length: 65 }, (_, i) => `10.0.0.${i}`).join(" ") }).problems).toEqual([
      "allow",
    ]);
    expect(edit({ rate: "20" }).patch).toEqual({ rate: 20 });
    expect(edit({ rate: "-1" }).problems).toEqual(["rate"]);
  });
  it("show what the API refuses at its input", () => {
    expect(inputOf("idle_seconds")).toBe("idle_minutes");
    expect(inputOf("gate")).toBe("gate_password");
    expect(inputOf("allow")).toBe("allow");
    expect(inputOf("server")).toBeNull();
    expect(inputOf(undefined)).toBeNull();
  });
});

describe("a change of them counts", () => {
  it("at once, with a restart, or with a deployment", () => {
    expect(effectOf(["doze", "maintenance"], project)).toBe("Counts at once.");
    expect(effectOf(["memory_mib"], project)).toBe("Counts with the next restart or deployment.");
    expect(effectOf(["drain_seconds"], project)).toBe("Counts when a release is replaced the next time.");
    expect(effectOf(["rate", "memory_mib", "branch"], project)).toBe(
      "Branch with the next deployment; Memory with the next restart or deployment; Requests a second at once.",
    );
  });
  it("with the first deployment where nothing is live", () => {
    const never = { live_release: null };
    expect(effectOf(["memory_mib", "branch"], never)).toBe("Counts with the first deployment.");
    expect(needs(["branch"], never)).toBeNull();
  });
  it("and says what has to follow", () => {
    expect(needs(["doze", "drain_seconds"], project)).toBeNull();
    expect(needs(["doze", "port"], project)).toBe("restart");
    expect(needs(["port", "start_command"], project)).toBe("deployments");
  });
  it("by names that stand in the form, each once", () =>
    expect(namesOf(["branch", "idle_minutes", "branch"])).toEqual(["Branch", "Sleep after"]));
});
