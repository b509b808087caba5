// SPDX-License-Identifier: AGPL-3.0-or-later
import { expect, it } from "vitest";
import { passwordProblem, strength } from "./strength";

it("says why a password will not be taken", () => {
  expect(passwordProblem("short", "ada")).toBe("At least 12 characters: 7 more");
  expect(passwordProblem("Administrator", "administrator")).toBe("Not the user name");
  expect(passwordProblem("é".repeat(129), "ada")).toBe("At most 256 bytes");
  expect(passwordProblem("é".repeat(128), "ada")).toBeNull();
  expect(passwordProblem("correct horse", "ada")).toBeNull();
});

it.each([
  ["hunter2", 0],
  ["aaaaaaaaaaaa", 1],
  ["123456789012", 1],
  ["abcabcabcabc", 1],
  ["correcthorse", 1],
  ["correcthorsebattery", 2],
  ["correct horse battery staple", 3],
  ["t9$Kw2!mZp4x", 3],
] as const)("%s is of level %d", (password, level) => expect(strength(password).level).toBe(level));
