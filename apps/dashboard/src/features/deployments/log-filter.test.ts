// SPDX-License-Identifier: AGPL-3.0-or-later
import type { StepName } from "@nanoscale/contracts";
import { describe, expect, it } from "vitest";
import { appendLines, CHUNK_LINES, type NumberedLine } from "./build-log-store";
import { asText, cut, filterChunks, isError } from "./log-filter";

const line = (number: number, text = `line ${number}`, step: StepName = "build"): NumberedLine => ({
  number,
  at: "2026-01-01T00:00:00.000Z",
  step,
  line: text,
});
const many = (n: number) => Array.from({ length: n }, (_, i) => line(i + 1));

describe("chunks of a log", () => {
  it("hold each line once and in order, however they came", () => {
    for (const size of [1, 7, 200, 201, 1000]) {
      let chunks = appendLines([], []);
      const all = many(1000);
      for (let i = 0; i < all.length; i += size) chunks = appendLines(chunks, all.slice(i, i + size));
      expect(chunks.flatMap((c) => c.lines)).toEqual(all);
      expect(chunks).toHaveLength(1000 / CHUNK_LINES);
    }
  });
  it("leave finished ones alone, and end with their step", () => {
    const before = appendLines([], many(250));
    const after = appendLines(before, [line(251), line(252, "x", "release")]);
    expect(after[0]).toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
    expect(after.map((c) => c.step)).toEqual(["build", "build", "release"]);
  });
});

describe("what is searched in a log", () => {
  const chunks = appendLines(
    [],
    [line(1, "\u001b[31mError: no\u001b[0m"), line(2, "all well"), line(3, "Killed")],
  );
  it("is found without the colours in it", () => {
    expect(filterChunks(chunks, "error: NO", false)[0]?.lines.map((l) => l.number)).toEqual([1]);
    expect(filterChunks(chunks, "[31m", false)).toEqual([]);
    expect(filterChunks(chunks, " ", false)).toBe(chunks);
  });
  it("may be errors alone", () => {
    expect(filterChunks(chunks, "", true)[0]?.lines.map((l) => l.number)).toEqual([1, 3]);
    expect(["npm ERR! x", "Module not found: can't resolve", "connect ECONNREFUSED"].every(isError)).toBe(
      true,
    );
    expect(
      ["Compiled successfully", "terrorist.ts", "0 errors, 0 warnings", "every file"].some(isError),
    ).toBe(false);
  });
  it("is marked", () => {
    expect(cut("a Foo b foo", "foo")).toEqual(["a ", "Foo", " b ", "foo", ""]);
    expect(cut("abc", "")).toEqual(["abc"]);
  });
  it("is written as the API does", () => {
    expect(asText(chunks)[0]).toBe("2026-01-01T00:00:00.000Z build   Error: no\n");
  });
});
