// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Domain } from "@nanoscale/contracts";
import { expect, it } from "vitest";
import { redirectingTo, refetchEvery, statusOfDomain, targetsFor } from "./states";

const domain = (name: string, more: Partial<Domain> = {}): Domain => ({
  name,
  primary: false,
  redirect_to: null,
  hsts: false,
  source: "acme",
  state: "valid",
  problem: null,
  not_after: null,
  issued_at: null,
  ends_soon: false,
  next_try: null,
  created_at: "2026-01-01T00:00:00.000Z",
  ...more,
});
const dns = { type: "dns", sentence: "" };

it("says of a good certificate that it ends", () => {
  expect(statusOfDomain({ state: "valid", ends_soon: true })).toBe("expiring");
  expect(statusOfDomain({ state: "failed", ends_soon: true })).toBe("failed");
});
it("asks often while something is under way, seldom while it is up to somebody else, else never", () => {
  const good = domain("a");
  expect(refetchEvery([])).toBe(false);
  expect(refetchEvery([good, domain("b", { state: "failed", problem: dns })])).toBe(false);
  const often = refetchEvery([good, domain("b", { state: "issuing", problem: dns })]);
  const seldom = refetchEvery([good, domain("b", { state: "waiting", problem: dns })]);
  expect(often).toBe(refetchEvery([domain("b", { state: "waiting" })]));
  expect(Number(seldom)).toBeGreaterThan(Number(often));
});
it("offers no chain of redirects", () => {
  const all = [domain("a"), domain("b"), domain("c", { redirect_to: "a" })];
  expect(targetsFor(all, "b")).toEqual(["a"]);
  expect(targetsFor(all, null)).toEqual(["a", "b"]);
  expect(redirectingTo(all, "a")).toEqual(["c"]);
  expect(redirectingTo(all, null)).toEqual([]);
});
