// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Project } from "@nanoscale/contracts";
import { describe, expect, it } from "vitest";
import { choose, isGroup, isMoving, statusOfProject } from "./choose";

function project(name: string, more: Partial<Project> = {}): Project {
  const base = {
    name,
    repo_url: `https://git.example/${name}.git`,
    branch: "main",
    host: `${name}.apps.example`,
    server: "main",
    status: "live",
    sleep: { kind: null, since: null, ram_saved_bytes: null },
  };
  return { ...base, ...more } as Project;
}

const dozing = { kind: "dozing", since: null, ram_saved_bytes: null } as Project["sleep"];
const armed = { kind: "armed", since: null, ram_saved_bytes: null } as Project["sleep"];
const all = [
  project("shop", { server: "w1" }),
  project("blog", { status: "sleeping", sleep: armed }),
  project("docs", { sleep: dozing }),
  project("api", { status: "crashed" }),
];
const names = (list: Project[]) => list.map((p) => p.name);

describe("the list of projects", () => {
  it("is searched word by word", () => {
    expect(names(choose(all, "", "all"))).toEqual(["shop", "blog", "docs", "api"]);
    expect(names(choose(all, "SHOP w1", "all"))).toEqual(["shop"]);
    expect(names(choose(all, "shop w2", "all"))).toEqual([]);
  });
  it("is grouped by how projects are", () => {
    expect(names(choose(all, "", "sleeping"))).toEqual(["blog", "docs"]);
    expect(names(choose(all, "", "trouble"))).toEqual(["api"]);
    expect(names(choose(all, "", "serving"))).toEqual(["shop", "docs"]);
    expect(isGroup("trouble")).toBe(true);
    expect(isGroup("x")).toBe(false);
  });
  it("says the kind of sleep", () => {
    expect(all.map(statusOfProject)).toEqual(["live", "armed", "dozing", "crashed"]);
  });
  it("says that one moves until its old place is removed", () => {
    const move = (state: string) => ({ state }) as Project["move"];
    expect(isMoving({})).toBe(false);
    expect(isMoving({ move: move("queued") })).toBe(true);
    expect(isMoving({ move: move("lingering") })).toBe(true);
    expect(isMoving({ move: move("failed") })).toBe(false);
  });
});
