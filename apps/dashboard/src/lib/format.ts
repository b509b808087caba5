// SPDX-License-Identifier: AGPL-3.0-or-later
/** Numbers as people read them. Memory and disks in powers of 1024, as the limits in docs/api.md are. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

export function bytes(value: number): string {
  let unit = 0;
  let left = Math.abs(value);
  while (left >= 1023.5 && unit < UNITS.length - 1) {
    left /= 1024;
    unit++;
  }
  const digits = unit === 0 || left >= 99.95 ? 0 : left >= 9.995 ? 1 : 2;
  return `${value < 0 ? "-" : ""}${Number(left.toFixed(digits))} ${UNITS[unit] ?? "B"}`;
}

export const bytesPerSecond = (value: number) => `${bytes(value)}/s`;

export const percent = (value: number) =>
  `${value >= 9.95 || value === 0 ? Math.round(value) : value.toFixed(1)}%`;

/** 0 where the whole is not known: a bar has to have some length. */
export const share = (part: number, whole: number) =>
  whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0;

export const count = (n: number, one: string, many = `${one}s`) =>
  `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

/** The first seven characters, as git shows a commit. */
export const shortCommit = (commit: string) => commit.slice(0, 7);
