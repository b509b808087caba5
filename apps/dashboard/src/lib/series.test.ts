// SPDX-License-Identifier: AGPL-3.0-or-later
import { describe, expect, it } from "vitest";
import { areaPath, axis, combine, linePath, newest, thin } from "./series";

describe("thin", () => {
  it("keeps short series", () => expect(thin([1, null, 3], 10)).toEqual([1, null, 3]));
  it("takes means of what is known", () =>
    expect(thin([1, 3, null, 5, null, null], 3)).toEqual([2, 5, null]));
  it("keeps the mean of a long one", () => {
    const values = Array.from({ length: 2880 }, (_, i) => i % 100);
    const thinned = thin(values, 480);
    expect(thinned).toHaveLength(480);
    const mean = (list: (number | null)[]) => list.reduce<number>((s, v) => s + (v ?? 0), 0) / list.length;
    expect(mean(thinned)).toBeCloseTo(mean(values), 6);
  });
});

describe("paths", () => {
  it("has gaps where nothing is known", () =>
    expect(linePath([0, 10, null, 5, 10], 40, 100, 10)).toBe("M0.0 100.0L10.0 0.0M30.0 50.0L40.0 0.0"));
  it("draws a lone point", () => expect(linePath([null, 5, null], 20, 100, 10)).toBe("M10.0 50.0h0.5"));
  it("closes every run down to the ground", () =>
    expect(areaPath([0, 10, null, 5, 10], 40, 100, 10)).toBe(
      "M0.0 100.0L10.0 0.0L10.0 100L0.0 100ZM30.0 50.0L40.0 0.0L40.0 100L30.0 100Z",
    ));
  it("never leaves its box", () => expect(linePath([20], 10, 100, 10)).toBe("M0.0 0.0h0.5"));
});

describe("axis", () => {
  it.each([
    [100, [0, 25, 50, 75, 100]],
    [7, [0, 2, 4, 6, 8]],
    [0, [0, 1]],
  ])("%d", (max, ticks) => expect(axis(max)).toEqual(ticks));
  it("has powers of 1024 for bytes", () => {
    const ticks = axis(3 * 1024 ** 3, 1024);
    expect(ticks.every((t) => Number.isInteger(Math.log2((t || 1) / 1) % 1) || t % 2 ** 20 === 0)).toBe(true);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(3 * 1024 ** 3);
    expect(ticks.length).toBeLessThanOrEqual(6);
  });
  it("always reaches the greatest value with few lines", () => {
    for (let max = 0.013; max < 1e9; max *= 1.37) {
      for (const base of [10, 1024] as const) {
        const ticks = axis(max, base);
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(max * 0.999);
        expect(ticks.length).toBeLessThanOrEqual(7);
      }
    }
  });
});

describe("combine", () => {
  it("adds, and does not take what is not known for zero", () =>
    expect(
      combine([
        [1, null, 3],
        [10, null, null],
      ]),
    ).toEqual([11, null, 3]));
  it("weighs", () =>
    expect(
      combine(
        [
          [0, 50],
          [100, null],
        ],
        [1, 3],
      ),
    ).toEqual([75, 50]));
  it("aligns at the end", () => expect(combine([[1, 2, 3], [10]])).toEqual([1, 2, 13]));
  it("of nothing is nothing", () => expect(combine([])).toEqual([]));
});

it("newest is the last known", () => expect(newest([1, 2, null])).toBe(2));
