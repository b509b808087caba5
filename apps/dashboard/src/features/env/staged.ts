// SPDX-License-Identifier: AGPL-3.0-or-later
import type { EnvVariable } from "@nanoscale/contracts";
import type { Pair } from "./dotenv";

/** What is to be changed, by name; null: removed. Nothing of it has been sent. */
export type Staged = ReadonlyMap<string, string | null>;
export const NOTHING: Staged = new Map();

export type Row = { key: string; masked: string | null; state: "kept" | "new" | "changed" | "removed" };

/** What the environment will be, by name, with what becomes of each variable. */
export function rows(env: readonly EnvVariable[], staged: Staged): Row[] {
  const known = new Map(env.map((v) => [v.key, v]));
  const keys = [...new Set([...known.keys(), ...staged.keys()])].sort();
  return keys.map((key): Row => {
    const masked = known.get(key)?.masked ?? null;
    if (!staged.has(key)) return { key, masked, state: "kept" };
    if (staged.get(key) === null) return { key, masked, state: "removed" };
    return { key, masked, state: known.has(key) ? "changed" : "new" };
  });
}

export function stage(staged: Staged, pairs: readonly Pair[]): Staged {
  const next = new Map(staged);
  for (const { key, value } of pairs) next.set(key, value);
  return next;
}

/** A variable that is there is to go; one that is not is forgotten. */
export function unset(env: readonly EnvVariable[], staged: Staged, key: string): Staged {
  const next = new Map(staged);
  if (env.some((v) => v.key === key)) next.set(key, null);
  else next.delete(key);
  return next;
}

export function undo(staged: Staged, key: string): Staged {
  const next = new Map(staged);
  next.delete(key);
  return next;
}

/** As PATCH takes it. */
export function patch(staged: Staged): { set: Record<string, string>; unset: string[] } {
  const set: Record<string, string> = {};
  const gone: string[] = [];
  for (const [key, value] of staged) {
    if (value === null) gone.push(key);
    else set[key] = value;
  }
  return { set, unset: gone };
}
