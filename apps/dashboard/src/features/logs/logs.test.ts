// SPDX-License-Identifier: AGPL-3.0-or-later
import type { LogLine } from "@nanoscale/contracts";
import { describe, expect, it } from "vitest";
import { LogBuffer, MOST_LINES } from "./buffer";
import { earliest, forFile, forTerminal } from "./text";

const at = (ms: number) => new Date(1_700_000_000_000 + ms).toISOString();
const line = (ms: number, text: string): LogLine => ({ at: at(ms), line: text, slot: "a" });
const texts = (buffer: LogBuffer) => buffer.lines.map((l) => l.line);

describe("the newest lines of an app", () => {
  it("are taken once, though a new connection tells them again", () => {
    const buffer = new LogBuffer();
    const told = [line(1, "a"), line(2, "b"), line(2, "c")];
    buffer.add(told);
    buffer.reconnect();
    expect(buffer.add([...told, line(2, "d"), line(3, "e")]).map((l) => l.line)).toEqual(["d", "e"]);
    expect(texts(buffer)).toEqual(["a", "b", "c", "d", "e"]);
  });
  it("are taken however the new connection cuts them", () => {
    const all = Array.from({ length: 40 }, (_, i) => line(Math.floor(i / 3), `l${i}`));
    for (let cut = 0; cut <= all.length; cut++) {
      const buffer = new LogBuffer();
      buffer.add(all.slice(0, cut));
      buffer.reconnect();
      buffer.add(all);
      expect(buffer.lines).toEqual(all);
    }
  });
  it("may be out of order by a little", () => {
    const buffer = new LogBuffer();
    buffer.add([line(5, "a"), line(3, "late"), line(5, "b")]);
    expect(texts(buffer)).toEqual(["a", "late", "b"]);
    buffer.reconnect();
    expect(buffer.add([line(5, "a"), line(3, "late"), line(5, "b"), line(4, "x"), line(6, "c")]).length).toBe(
      1,
    );
  });
  it("do not grow for ever", () => {
    const buffer = new LogBuffer();
    for (let i = 0; i < 50; i++)
      buffer.add(Array.from({ length: 1000 }, (_, j) => line(i * 1000 + j, `${i} ${j}`)));
    expect(buffer.lines.length).toBeGreaterThanOrEqual(MOST_LINES);
    expect(buffer.lines.length).toBeLessThanOrEqual(MOST_LINES + 2000);
    expect(texts(buffer).at(-1)).toBe("49 999");
  });
});

describe("lines for the terminal", () => {
  const lines = [
    line(0, "\u001b[32mGET /a\u001b[0m 200"),
    line(1000, "\u001b[2Jboom"),
    line(2000, "GET /b 500"),
  ];
  const view = { filter: "", since: "all", times: false } as const;
  it("keep their colours, and cannot move its cursor", () => {
    expect(forTerminal(lines, view, 0).text).toBe(
      "\u001b[32mGET /a\u001b[0m 200\u001b[0m\r\nboom\u001b[0m\r\nGET /b 500\u001b[0m\r\n",
    );
  });
  it("are those that are asked for", () => {
    expect(forTerminal(lines, { ...view, filter: " get " }, 0)).toMatchObject({ count: 2 });
    expect(forTerminal(lines, { ...view, filter: "get" }, 0).text).toContain(
      "\u001b[30;103mGET\u001b[0m /a 200",
    );
    expect(forTerminal(lines, view, Date.parse(at(1000))).count).toBe(2);
    expect(earliest("1h", 4_000_000)).toBe(400_000);
    expect(earliest("all", 4_000_000)).toBe(0);
  });
  it("go into a file without colours", () => {
    expect(forFile(lines)[0]).toBe(`${at(0)} a GET /a 200\n`);
  });
});
