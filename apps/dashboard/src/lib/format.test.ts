// SPDX-License-Identifier: AGPL-3.0-or-later
import { describe, expect, it } from "vitest";
import { bytes, count, percent, share } from "./format";

describe("bytes", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [123 * 1024 * 1024, "123 MiB"],
    [1024 * 1024 - 1, "1 MiB"],
    [2.5 * 1024 ** 3, "2.5 GiB"],
    [-2048, "-2 KiB"],
  ])("%d is %s", (value, text) => expect(bytes(value)).toBe(text));
});

it("percent keeps a digit only where it says something", () => {
  expect([0, 0.42, 9.94, 9.97, 55.5].map(percent)).toEqual(["0%", "0.4%", "9.9%", "10%", "56%"]);
});

it("a share stays on its bar", () => {
  expect([share(1, 0), share(5, 4), share(-1, 4), share(1, 4)]).toEqual([0, 100, 0, 25]);
});

it("count has the right number", () => {
  expect([count(0, "project"), count(1, "project"), count(2, "try", "tries")]).toEqual([
    "0 projects",
    "1 project",
    "2 tries",
  ]);
});
