// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Move, Project } from "@nanoscale/contracts";
import { expect, it } from "vitest";
import { isStuck, leaving, moveWords } from "./moves";

const move = (state: Move["state"], failure: string | null = null): Move => ({
  from: "fra1",
  to: "w1",
  state,
  failure,
  deployment: null,
  linger_seconds: 300,
  changed_at: "2026-03-01T10:00:00.000Z",
});
const project = (name: string, server: string, of?: Move) => ({ name, server, move: of }) as Project;

it("finds what is still on a server, what does not get away first", () => {
  const found = leaving(
    [
      project("building", "fra1", move("building")),
      project("elsewhere", "w2"),
      project("failed", "fra1", move("failed", "The build failed.")),
      project("gone", "w1"),
      project("lingering", "w1", move("lingering")),
      project("new", "fra1"),
    ],
    "fra1",
  );
  expect(found.map((l) => [l.project, isStuck(l), moveWords(l)])).toEqual([
    ["failed", true, "The build failed."],
    ["new", true, "Does not move"],
    ["building", false, "Is being built and started on w1"],
    ["lingering", false, "Serves from w1; the old place goes on for a while"],
  ]);
});
