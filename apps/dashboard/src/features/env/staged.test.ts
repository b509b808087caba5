// SPDX-License-Identifier: AGPL-3.0-or-later
import { describe, expect, it } from "vitest";
import { NOTHING, patch, rows, stage, undo, unset } from "./staged";

const env = ["A", "C"].map((key) => ({ key, masked: "••••", length: 3 }));

describe("changes that are not saved", () => {
  it("are seen beside what is there", () => {
    let staged = stage(NOTHING, [
      { key: "B", value: "1" },
      { key: "A", value: "2" },
    ]);
    staged = unset(env, staged, "C");
    expect(rows(env, staged).map((r) => `${r.key} ${r.state}`)).toEqual(["A changed", "B new", "C removed"]);
    expect(patch(staged)).toEqual({ set: { A: "2", B: "1" }, unset: ["C"] });
  });
  it("can be taken back one by one", () => {
    const staged = unset(env, stage(NOTHING, [{ key: "B", value: "1" }]), "B");
    expect(staged.size).toBe(0);
    expect(undo(unset(env, NOTHING, "A"), "A").size).toBe(0);
    expect(rows(env, NOTHING).every((r) => r.state === "kept")).toBe(true);
  });
});
