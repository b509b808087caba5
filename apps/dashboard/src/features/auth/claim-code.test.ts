// SPDX-License-Identifier: AGPL-3.0-or-later
import { expect, it } from "vitest";
import { claimCode, isClaimCode } from "./claim-code";

it.each([
  ["", ""],
  ["k7m2", "K7M2"],
  ["k7m2p", "K7M2-P"],
  [" k7m2 pq4x-9rt3\n", "K7M2-PQ4X-9RT3"],
  ["K7M2-PQ4X-9RT3-MORE", "K7M2-PQ4X-9RT3"],
])("%j is %j", (typed, code) => expect(claimCode(typed)).toBe(code));

it("knows a whole one", () => {
  expect(isClaimCode("K7M2-PQ4X-9RT3")).toBe(true);
  expect(isClaimCode("K7M2-PQ4X-9RT")).toBe(false);
});
