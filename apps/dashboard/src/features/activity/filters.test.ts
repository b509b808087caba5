// SPDX-License-Identifier: AGPL-3.0-or-later
import { describe, expect, it } from "vitest";
import { actionLabel, filtersFrom, NO_FILTERS, toParams } from "./filters";

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
    expect(actionLabel("project.deploy")).toBe("Project deploy");
    expect(actionLabel("account.remove-second-factor")).toBe("Account remove second factor");
    expect(actionLabel("new")).toBe("New");
  });
});
