// SPDX-License-Identifier: AGPL-3.0-or-later
import { expect, it } from "vitest";
import { moveSteps, placeEnds } from "./move-steps";

const marks = (state: Parameters<typeof moveSteps>[0]["state"]) =>
  moveSteps({ state, to: "w1" }).map((step) => step.status);

it("says how far a move is", () => {
  expect(marks("queued")).toEqual(["running", "waiting", "waiting", "waiting"]);
  expect(marks("deploying")).toEqual(marks("building"));
  expect(marks("lingering")).toEqual(["ok", "ok", "ok", "running"]);
  expect(marks("undoing")).toEqual(["running"]);
});
it("says when the old place goes", () => {
  const move = {
    from: "fra1",
    to: "w1",
    failure: null,
    deployment: null,
    linger_seconds: 300,
    changed_at: "2026-01-01T00:00:00.000Z",
  };
  expect(placeEnds({ ...move, state: "lingering" })).toBe("2026-01-01T00:05:00.000Z");
  expect(placeEnds({ ...move, state: "building" })).toBeNull();
});
