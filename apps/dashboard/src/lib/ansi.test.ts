// SPDX-License-Identifier: AGPL-3.0-or-later
import { describe, expect, it } from "vitest";
import { colours, plain, spans } from "./ansi";

const ESC = "\u001b";

describe("colours of a line", () => {
  it("become spans", () => {
    expect(spans(`a ${ESC}[32mok${ESC}[0m b`)).toEqual([
      { text: "a " },
      { text: "ok", colour: "green" },
      { text: " b" },
    ]);
    expect(spans(`${ESC}[1;31mE${ESC}[22mx${ESC}[39my`)).toEqual([
      { text: "E", colour: "red", bold: true },
      { text: "x", colour: "red" },
      { text: "y" },
    ]);
  });
  it("skips what it does not show", () => {
    expect(spans(`${ESC}[38;5;31mx${ESC}[48;2;1;31;3my`)).toEqual([{ text: "x" }, { text: "y" }]);
    expect(plain(`${ESC}]0;title\u0007${ESC}[2K${ESC}[1Ga\u0008b${ESC}(B`)).toBe("ab");
  });
  it("shows what a progress bar came to", () => {
    expect(plain("10%\r50%\r100%\r")).toBe("100%");
    expect(spans("10%\r100%")).toEqual([{ text: "100%" }]);
  });
  it("never has an escape in its text", () => {
    for (const line of [ESC, `${ESC}[`, `${ESC}[3`, `a${ESC}]x`, `${ESC}${ESC}[m`])
      for (const span of spans(line)) expect(span.text).not.toContain(ESC);
  });
  it("for a terminal keeps colours alone", () => {
    const wild = `${ESC}[31mred${ESC}[0m${ESC}[2J${ESC}[10;10H${ESC}]0;title\u0007${ESC}]52;c;eA==${ESC}\\\u0001[9mx\u0007`;
    expect(colours(wild)).toBe(`${ESC}[31mred${ESC}[0m[9mx`);
  });
  it("in a terminal are of the 256 that need no style attribute", () => {
    expect(colours(`${ESC}[38;2;255;0;0;1mx`)).toBe(`${ESC}[38;5;196;1mx`);
    expect(colours(`${ESC}[48:2::0:95:255mx`)).toBe(`${ESC}[48;5;27mx`);
    expect(colours(`${ESC}[48;2;2;22;2;1mx`)).toBe(`${ESC}[48;5;16;1mx`);
    expect(colours(`${ESC}[38;5;9;4:3mx`)).toBe(`${ESC}[38;5;9;4mx`);
  });
  it("in a terminal are never dimmed", () => {
    expect(colours(`${ESC}[2ma${ESC}[22m`)).toBe(`${ESC}[90ma${ESC}[22;39m`);
    expect(colours(`${ESC}[1;2;31mx${ESC}[m`)).toBe(`${ESC}[1;90;31mx${ESC}[m`);
    expect(colours(`${ESC}[38;5;2;2mx`)).toBe(`${ESC}[38;5;2;90mx`);
  });
});
