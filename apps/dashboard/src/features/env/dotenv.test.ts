// SPDX-License-Identifier: AGPL-3.0-or-later
import { describe, expect, it } from "vitest";
import { keyProblem, parseDotEnv, valueProblem } from "./dotenv";

const pairs = (text: string) => Object.fromEntries(parseDotEnv(text).pairs.map((p) => [p.key, p.value]));

describe("a pasted .env", () => {
  it("is read with quotes, comments and export", () => {
    const text = [
      "# of the shop",
      "A=1",
      "export B = two words # not this",
      'C="x # y\\n\\"z\\""',
      "D='a\\n$b'",
      "E=",
      "F=a#b=c",
      "",
    ].join("\r\n");
    expect(parseDotEnv(text).problems).toEqual([]);
    expect(pairs(text)).toEqual({ A: "1", B: "two words", C: 'x # y\n"z"', D: "a\\n$b", E: "", F: "a#b=c" });
  });
  it("has values over several lines", () => {
    const key = "-----BEGIN KEY-----\nMIIB\n-----END KEY-----";
    expect(pairs(`K="${key}"\nL=2`)).toEqual({ K: key, L: "2" });
    expect(parseDotEnv(`K="a\nb"\n?`).problems).toEqual(["Line 3 is not KEY=value"]);
  });
  it("takes an unclosed quote as it stands, and the last of two", () => {
    expect(pairs("A=\"open\nB=1\nB='2'")).toEqual({ A: '"open', B: "2" });
  });
  it("tells what is not usable by its line", () => {
    const { pairs: found, problems } = parseDotEnv("A=1\nnot this\n1B=2\nPORT=80\nLD_PRELOAD=x");
    expect(found).toEqual([{ key: "A", value: "1" }]);
    expect(problems).toHaveLength(4);
    expect(problems[0]).toContain("Line 2");
    expect(problems[2]).toContain("PORT is set by NanoScale");
  });
  it("holds names and values to the agent's rules", () => {
    expect(keyProblem("_a9")).toBeNull();
    expect(keyProblem("a-b")).not.toBeNull();
    expect(keyProblem("x".repeat(129))).not.toBeNull();
    expect(valueProblem("a\tb\n")).toBeNull();
    expect(valueProblem("a\u0007")).not.toBeNull();
    expect(valueProblem("é".repeat(20_000))).not.toBeNull();
  });
});
