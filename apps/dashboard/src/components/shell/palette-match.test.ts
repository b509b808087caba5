// SPDX-License-Identifier: AGPL-3.0-or-later
import { expect, it } from "vitest";
import { match } from "./palette-match";

const entries = ["web-shop", "shop", "blog", "Deploy shop", "Deploy blog"].map((label) => ({
  id: label,
  label,
  words: "x",
}));
const labels = (query: string, most = 9) => match(entries, query, most).map((e) => e.label);

it("has all of them, as they come, while nothing is typed", () =>
  expect(labels("", 2)).toEqual(["web-shop", "shop"]));
it("puts what begins with it first", () =>
  expect(labels("shop")).toEqual(["shop", "web-shop", "Deploy shop"]));
it("wants every word, in any order", () => {
  expect(labels("shop deploy")).toEqual(["Deploy shop"]);
  expect(labels("deploy nothing")).toEqual([]);
});
it("looks at the other words too", () =>
  expect(match([{ id: "1", label: "Servers", words: "nodes" }], "node", 5)).toHaveLength(1));
