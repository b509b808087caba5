// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Move, MoveState } from "@nanoscale/contracts";
import type { StatusKey } from "@/components/ui/status";

type Step = { words: string; status: Extract<StatusKey, "ok" | "running" | "waiting" | "failed"> };

const WAY: readonly { words: (to: string) => string; states: readonly MoveState[] }[] = [
  { words: () => "It has its turn; two move at once", states: ["queued"] },
  { words: (to) => `${to} gets the project`, states: ["placing"] },
  { words: (to) => `${to} builds, starts and checks it`, states: ["deploying", "building"] },
  { words: (to) => `${to} serves it, and the old place is removed`, states: ["lingering"] },
];

/** The way of a move, with how far it is. One that is undone goes no further. */
export function moveSteps({ state, to }: Pick<Move, "state" | "to">): Step[] {
  const name = to ?? "The new server";
  if (state === "undoing" || state === "failed")
    return [
      { words: "What the new server has of it is removed", status: state === "failed" ? "ok" : "running" },
    ];
  const at = WAY.findIndex(({ states }) => states.includes(state));
  return WAY.map(({ words }, i) => ({
    words: words(name),
    status: i < at ? "ok" : i === at ? "running" : "waiting",
  }));
}

/** When the old place is removed; null before it serves from the new one. */
export function placeEnds({ state, changed_at: since, linger_seconds: linger }: Move): string | null {
  return state === "lingering" ? new Date(Date.parse(since) + linger * 1000).toISOString() : null;
}
