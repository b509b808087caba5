// SPDX-License-Identifier: AGPL-3.0-or-later
import { describe, expect, it } from "vitest";
import { actionLabel, auditCommand, filtersFrom, NO_FILTERS, toParams } from "./filters";

describe("filters of the audit log", () => {
  it("go to the address and come back", () => {
    const filters = { actor: "ada", action: "project", project: "" };
    expect(toParams(filters).toString()).toBe("actor=ada&action=project");
    expect(filtersFrom(toParams(filters))).toEqual(filters);
  });
  it("leave nothing behind when they are empty", () => {
    expect(toParams(NO_FILTERS).toString()).toBe("");
    expect(toParams({ ...NO_FILTERS, actor: "  " }).toString()).toBe("");
    expect(filtersFrom(new URLSearchParams("x=1"))).toEqual(NO_FILTERS);
  });
  it("say what was done", () => {
    expect(actionLabel("project.deploy")).toBe("Deployment");
    expect(actionLabel("account.grow-wings")).toBe("Account grow wings");
    expect(actionLabel("new")).toBe("New");
  });
  it("are options of the command", () => {
    expect(auditCommand(NO_FILTERS)).toBe("nanoscale audit");
    expect(auditCommand({ actor: "ada", action: "project", project: "a b" })).toBe(
      "nanoscale audit --actor ada --action project --project 'a b'",
    );
  });
});
