// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Move, Project } from "@nanoscale/contracts";

export type Leaving = { project: string; move: Move | null };

/** What is still on a server that is being drained, or was and did not get away; old places that go on for a while too. */
export function leaving(projects: readonly Project[], server: string): Leaving[] {
  return projects
    .filter((p) => p.server === server || p.move?.from === server)
    .map((p) => ({ project: p.name, move: p.move?.from === server ? p.move : null }))
    .sort((a, b) => Number(isStuck(b)) - Number(isStuck(a)) || a.project.localeCompare(b.project));
}

/** It stays until somebody drains the server once more. */
export const isStuck = ({ move }: Leaving) => move === null || move.state === "failed";

export function moveWords({ move }: Leaving): string {
  const to = move?.to ?? "a server that was removed";
  switch (move?.state) {
    case undefined:
      return "Does not move";
    case "queued":
      return `Waits for its turn to move to ${to}`;
    case "placing":
      return `Is being set up on ${to}`;
    case "deploying":
      return `Is about to be built on ${to}`;
    case "building":
      return `Is being built and started on ${to}`;
    case "lingering":
      return `Serves from ${to}; the old place goes on for a while`;
    case "undoing":
      return `What ${to} has of it is being removed`;
    case "failed":
      return move?.failure ?? "Its move failed";
  }
}
