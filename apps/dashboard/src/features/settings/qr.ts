// SPDX-License-Identifier: AGPL-3.0-or-later
/** QR codes (ISO/IEC 18004) of short texts: bytes, error correction level M, versions 1 to 15 (up to 412 bytes). */

/** Of each version: blocks, and codewords of error correction in a block. */
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10];
const ECC = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24];

const at = (list: ArrayLike<number>, i: number) => list[i] ?? 0;
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Modules that are neither of a pattern nor of format and version. */
function dataModules(version: number): number {
  const n = Math.floor(version / 7) + 2;
  const alignment = version === 1 ? 0 : (25 * n - 10) * n - 55 + (version >= 7 ? 36 : 0);
  return (16 * version + 128) * version + 64 - alignment;
}
const codewords = (version: number) => Math.floor(dataModules(version) / 8);
const dataCodewords = (version: number) =>
  codewords(version) - at(BLOCKS, version - 1) * at(ECC, version - 1);
/** Mode, length and end take so many bytes together. */
const overhead = (version: number) => (version < 10 ? 2 : 3);

function multiply(x: number, y: number): number {
  let z = 0;
  for (let i = 7; i >= 0; i--) z = (z << 1) ^ ((z >>> 7) * 0x11d) ^ (((y >>> i) & 1) * x);
  return z;
}

function divisor(degree: number): number[] {
  const result = [...range(degree - 1).fill(0), 1];
  let root = 1;
  for (let i = 0; i < degree; i++) {
    for (let j = 0; j < degree; j++) result[j] = multiply(at(result, j), root) ^ at(result, j + 1);
    root = multiply(root, 2);
  }
  return result;
}

function remainder(data: number[], by: number[]): number[] {
  const result: number[] = by.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ (result.shift() ?? 0);
    by.forEach((b, i) => (result[i] = at(result, i) ^ multiply(b, factor)));
  }
  return result;
}

/** Mode 4, the length, the bytes and an end of four bits, then padding. */
function payload(bytes: Uint8Array, version: number): number[] {
  const length = version < 10 ? [bytes.length] : [bytes.length >> 8, bytes.length & 255];
  const shifted = [...length, ...bytes, 0];
  const data = shifted.map((byte, i) => ((i === 0 ? 4 : at(shifted, i - 1) & 15) << 4) | (byte >> 4));
  for (let i = 0; data.length < dataCodewords(version); i++) data.push(i % 2 === 0 ? 0xec : 0x11);
  return data;
}

function interleave(data: number[], version: number): number[] {
  const count = at(BLOCKS, version - 1);
  const ecc = at(ECC, version - 1);
  const short = Math.floor(codewords(version) / count) - ecc;
  const shorts = count - (codewords(version) % count);
  const by = divisor(ecc);
  let from = 0;
  const blocks = range(count).map((i) => data.slice(from, (from += short + (i < shorts ? 0 : 1))));
  const rests = blocks.map((block) => remainder(block, by));
  const woven = (lists: number[][], n: number) =>
    range(n).flatMap((i) => lists.flatMap((list) => (i < list.length ? [at(list, i)] : [])));
  return [...woven(blocks, short + 1), ...woven(rests, ecc)];
}

/** `value` followed by the remainder of its division by `polynomial`. */
function checked(value: number, bits: number, polynomial: number): number {
  let rest = value;
  for (let i = 0; i < bits; i++) rest = (rest << 1) ^ ((rest >>> (bits - 1)) * polynomial);
  return (value << bits) | rest;
}

const MASKS: ((x: number, y: number) => number)[] = [
  (x, y) => (x + y) % 2,
  (_, y) => y % 2,
  (x) => x % 3,
  (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

type Canvas = { size: number; cells: Uint8Array; fixed: Uint8Array };

function set({ size, cells, fixed }: Canvas, x: number, y: number, dark: boolean) {
  if (x < 0 || y < 0 || x >= size || y >= size) return;
  cells[y * size + x] = Number(dark);
  fixed[y * size + x] = 1;
}

function drawFormat(canvas: Canvas, mask: number) {
  const { size } = canvas;
  const bits = checked(mask, 10, 0x537) ^ 0x5412;
  for (let i = 0; i < 15; i++) {
    const dark = ((bits >>> i) & 1) === 1;
    if (i < 8) set(canvas, 8, i < 6 ? i : i + 1, dark);
    else set(canvas, i === 8 ? 7 : 14 - i, 8, dark);
    if (i < 8) set(canvas, size - 1 - i, 8, dark);
    else set(canvas, 8, size - 15 + i, dark);
  }
  set(canvas, 8, size - 8, true);
}

function drawPatterns(canvas: Canvas, version: number) {
  const { size } = canvas;
  for (let i = 0; i < size; i++) {
    set(canvas, 6, i, i % 2 === 0);
    set(canvas, i, 6, i % 2 === 0);
  }
  const square = (cx: number, cy: number, reach: number, light: number[]) => {
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++)
        set(canvas, cx + dx, cy + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))));
  };
  for (const [x, y] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ] as const)
    square(x, y, 4, [2, 4]);
  const n = version === 1 ? 0 : Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (n * 2 - 2)) * 2;
  const places = range(n).map((i) => (i === 0 ? 6 : size - 7 - (n - 1 - i) * step));
  for (const x of places)
    for (const y of places) {
      const isCorner = Math.min(x, y) === 6 && [x, y].every((p) => p === 6 || p === size - 7);
      if (!isCorner) square(x, y, 2, [1]);
    }
  if (version < 7) return;
  const bits = checked(version, 12, 0x1f25);
  for (let i = 0; i < 18; i++) {
    const [long, short] = [size - 11 + (i % 3), Math.floor(i / 3)];
    set(canvas, long, short, ((bits >>> i) & 1) === 1);
    set(canvas, short, long, ((bits >>> i) & 1) === 1);
  }
}

/** Column pairs from the right, up and down in turns, past what is fixed. */
function drawData({ size, cells, fixed }: Canvas, data: number[]) {
  let i = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step++)
      for (const x of [right, right - 1]) {
        const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
        if (at(fixed, y * size + x) === 1) continue;
        cells[y * size + x] = (at(data, i >> 3) >>> (7 - (i & 7))) & 1;
        i++;
      }
  }
}

/** How hard it would be to read: long runs, blocks, what looks like a finder, and an uneven share of dark. */
function penalty(lines: string[]): number {
  const size = lines.length;
  const across = range(size).map((x) => lines.map((line) => line.charAt(x)).join(""));
  const matches = (line: string, what: RegExp) => [...line.matchAll(what)];
  let sum = 0;
  for (const line of [...lines, ...across]) {
    for (const [run] of matches(line, /0{5,}|1{5,}/g)) sum += run.length - 2;
    sum += 40 * matches(line, /(?=10111010000|00001011101)/g).length;
  }
  for (let y = 1; y < size; y++)
    for (let x = 1; x < size; x++) {
      const four = [y - 1, y].map((row) => lines[row]?.slice(x - 1, x + 1)).join("");
      if (four === "0000" || four === "1111") sum += 3;
    }
  const dark = lines.join("").replaceAll("0", "").length;
  return sum + 10 * Math.floor(Math.abs(dark * 20 - size * size * 10) / (size * size));
}

/** The rows of the code, of 0 (light) and 1 (dark); null of a text that is too long. */
export function qrCode(text: string): string[] | null {
  const bytes = new TextEncoder().encode(text);
  const version = range(BLOCKS.length)
    .map((i) => i + 1)
    .find((v) => bytes.length + overhead(v) <= dataCodewords(v));
  if (version === undefined) return null;
  const size = version * 4 + 17;
  const canvas = { size, cells: new Uint8Array(size * size), fixed: new Uint8Array(size * size) };
  drawPatterns(canvas, version);
  drawFormat(canvas, 0);
  drawData(canvas, interleave(payload(bytes, version), version));
  const masked = MASKS.map((isDark, mask) => {
    const cells = canvas.cells.map((cell, i) =>
      at(canvas.fixed, i) === 0 && isDark(i % size, Math.floor(i / size)) === 0 ? 1 - cell : cell,
    );
    drawFormat({ ...canvas, cells }, mask);
    return range(size).map((y) => cells.subarray(y * size, (y + 1) * size).join(""));
  });
  const costs = masked.map(penalty);
  return masked[costs.indexOf(Math.min(...costs))] ?? null;
}
