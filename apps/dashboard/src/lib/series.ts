// SPDX-License-Identifier: AGPL-3.0-or-later
/** Arithmetic on the series of /statistics: null is "not known", and stays that. */
export type Values = readonly (number | null)[];

/** Means of `width` groups at most, so that a chart draws no more points than it has pixels. */
export function thin(values: Values, width: number): (number | null)[] {
  if (values.length <= width || width < 1) return [...values];
  const thinned: (number | null)[] = [];
  for (let i = 0; i < width; i++) {
    const end = Math.floor(((i + 1) * values.length) / width);
    const known = values.slice(Math.floor((i * values.length) / width), end).filter((v) => v !== null);
    thinned.push(known.length ? known.reduce((sum, v) => sum + v, 0) / known.length : null);
  }
  return thinned;
}

/** An SVG path through the known values; a gap where one is not known. `x` counts from 0 to `width`. */
export function linePath(values: Values, width: number, height: number, max: number): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  let path = "";
  let pen = false;
  values.forEach((value, i) => {
    if (value === null) {
      pen = false;
      return;
    }
    const y = height - (Math.min(value, max) / max) * height;
    path += `${pen ? "L" : "M"}${(i * step).toFixed(1)} ${y.toFixed(1)}`;
    pen = true;
  });
  // A lone point between two gaps would not be drawn at all.
  return path.replace(/M([\d.]+) ([\d.-]+)(?=M|$)/g, "M$1 $2h0.5");
}

/** The known runs of a line, each closed down to the ground. */
export function areaPath(values: Values, width: number, height: number, max: number): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  let path = "";
  for (let i = 0; i < values.length; i++) {
    if (values[i] === null || values[i] === undefined) continue;
    let end = i;
    while (end + 1 < values.length && typeof values[end + 1] === "number") end++;
    const run = linePath(values.slice(i, end + 1), (end - i) * step, height, max);
    const from = (i * step).toFixed(1);
    if (end > i) {
      path += shift(run, i * step) + `L${(end * step).toFixed(1)} ${height}L${from} ${height}Z`;
    }
    i = end;
  }
  return path;
}

const shift = (path: string, by: number) =>
  path.replace(
    /([ML])([\d.]+)/g,
    (_, command: string, x: string) => `${command}${(Number(x) + by).toFixed(1)}`,
  );

/** A round end for an axis, and where its lines are: of 1, 2, 2.5 or 5 times a power of `base`. */
export function axis(max: number, base: 10 | 1024 = 10, lines = 4): number[] {
  if (!(max > 0)) return [0, base === 10 ? 1 : 1024];
  const rough = max / lines;
  const power = base ** Math.floor(Math.log(rough) / Math.log(base));
  const multiples = base === 10 ? [1, 2, 2.5, 5, 10] : [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
  const step = (multiples.find((m) => m * power >= rough * 0.999) ?? base) * power;
  const ticks = [0];
  for (let at = step; ticks[ticks.length - 1] !== undefined && at < max + step * 0.999; at += step)
    ticks.push(at);
  return ticks;
}

/** Sums, or means by weight, of what several servers say for the same steps, aligned at their ends. */
export function combine(all: readonly Values[], weights?: readonly number[]): (number | null)[] {
  const length = Math.max(0, ...all.map((values) => values.length));
  return Array.from({ length }, (_, i) => {
    let sum = 0;
    let weight = 0;
    all.forEach((values, which) => {
      const value = values[i - (length - values.length)];
      if (typeof value !== "number") return;
      sum += value * (weights?.[which] ?? 1);
      weight += weights?.[which] ?? 1;
    });
    if (weight === 0) return null;
    return weights ? sum / weight : sum;
  });
}

export const newest = (values: Values): number | null => values.findLast((v) => v !== null) ?? null;
