// SPDX-License-Identifier: AGPL-3.0-or-later
import type { RepositoryCheck } from "@nanoscale/contracts";
import { describe, expect, it } from "vitest";
import { complete, formField, nameFrom, problemsOf, STANDARD, toDraft } from "./draft";

const check: RepositoryCheck = {
  reachable: true,
  default_branch: "trunk",
  branches: ["trunk"],
  commit: null,
  framework: "vite",
  framework_version: "7",
  install_command: "npm ci",
  build_command: "npm run build",
  start_command: null,
  node_version: null,
  root_directories: [],
};
const url = "https://git.example/acme/My_Shop.git";
const none = () => false;

describe("a new project", () => {
  it("has what was typed, else what was found, else the standard", () => {
    const form = complete({ repo_url: url, build_command: "make" }, check);
    expect(form).toMatchObject({
      name: "my-shop",
      branch: "trunk",
      install_command: "npm ci",
      build_command: "make",
      start_command: "bun run start",
      node_version: "20",
    });
    expect(complete({ repo_url: url, name: "" }, check).name).toBe("");
    expect(complete({}, { ...check, install_command: null }).install_command).toBe("");
    expect(complete({}, { ...check, framework: null, install_command: null })).toMatchObject({
      install_command: STANDARD.install_command,
    });
  });
  it("is named after its repository", () => {
    expect(nameFrom("https://git.example/a/b/")).toBe("b");
    expect(nameFrom("https://git.example/a/--Wild..Name--.git")).toBe("wild-name");
    expect(nameFrom(`https://git.example/${"x".repeat(80)}`)).toHaveLength(63);
  });
  it("sends no more than differs from the standard", () => {
    expect(toDraft(complete({ repo_url: url }, { ...check, framework: null }))).toEqual({
      name: "my-shop",
      repo_url: url,
      branch: "trunk",
    });
    expect(
      toDraft(
        complete(
          {
            repo_url: url,
            name: "a",
            memory_mib: "1024",
            idle_minutes: "5",
            server: "w1",
            env: new Map([["A", "1"]]),
          },
          check,
        ),
      ),
    ).toEqual({
      name: "a",
      repo_url: url,
      branch: "trunk",
      install_command: "npm ci",
      build_command: "npm run build",
      memory_mib: 1024,
      idle_seconds: 300,
      server: "w1",
      env: { A: "1" },
    });
  });
  it("is held to the agent's rules", () => {
    const problems = (typed: Parameters<typeof complete>[0]) =>
      Object.keys(problemsOf(complete({ repo_url: url, ...typed }, check), (name) => name === "taken"));
    expect(problems({})).toEqual([]);
    expect(problems({ repo_url: "http://x/y", name: "a" })).toEqual(["repo_url"]);
    expect(problems({ repo_url: "https://me:secret@git.example/a", name: "a" })).toEqual(["repo_url"]);
    for (const name of ["", "-a", "a-", "A", "new", "taken", "a".repeat(64)])
      expect(problems({ name })).toEqual(["name"]);
    for (const root_directory of ["../x", "/x", "a/../b", "a//b", "-x", "a/"])
      expect(problems({ root_directory })).toEqual(["root_directory"]);
    expect(problems({ root_directory: "apps/web.v2" })).toEqual([]);
    expect(problems({ memory_mib: "31", port: "80", health_path: "x", start_command: " " }).sort()).toEqual([
      "health_path",
      "memory_mib",
      "port",
      "start_command",
    ]);
    expect(problemsOf(complete({ repo_url: url }, undefined), none)).toEqual({
      branch: "Which branch is deployed",
    });
    expect(problems({ idle_minutes: "0" })).toEqual(["idle_minutes"]);
    expect(problems({ idle_minutes: "0", scale_to_zero: false })).toEqual([]);
  });
  it("finds the input for a field of the API", () => {
    expect(formField("idle_seconds")).toBe("idle_minutes");
    expect(formField("name")).toBe("name");
    expect(formField("gate")).toBeNull();
    expect(formField(undefined)).toBeNull();
  });
});
