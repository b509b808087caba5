// SPDX-License-Identifier: AGPL-3.0-or-later
import { expect, it } from "vitest";
import { loginAddress, safeTarget } from "./target";

it.each([
  [null, "/"],
  ["", "/"],
  ["/projects/shop?tab=logs#end", "/projects/shop?tab=logs#end"],
  ["//evil.example/", "/"],
  ["/\\evil.example/", "/"],
  ["/\t/evil.example/", "/"],
  ["/./\\evil.example", "/"],
  ["/.//evil.example", "/"],
  ["https://evil.example/", "/"],
  ["javascript:alert(1)", "/"],
  ["/login?to=/login", "/"],
  ["/setup", "/"],
])("%s leads to %s", (to, where) => expect(safeTarget(to)).toBe(where));

it("comes back to where it was", () => {
  const from = "/servers/ab12?range=day&x=%20";
  expect(safeTarget(new URL(loginAddress(from), "https://x.example").searchParams.get("to"))).toBe(from);
  expect(loginAddress("/")).toBe("/login");
});
