// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useSyncExternalStore } from "react";

/** One timer for everything on the page that says how long ago, or how long to go. */
const SECOND_MS = 1000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = 0;

function subscribe(listener: () => void) {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const tell of listeners) tell();
  }, SECOND_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    now = 0;
  };
}

function current() {
  if (now === 0) now = Date.now();
  return now;
}

/** What `read` makes of the time in milliseconds: a component is drawn anew only when that differs. `before` is in the exported HTML. */
export const useClock = <T extends string | number | boolean>(read: (now: number) => T, before: T) =>
  useSyncExternalStore(
    subscribe,
    () => read(current()),
    () => before,
  );

/** Milliseconds, each second. 0 in the exported HTML. */
export const useNow = () => useClock((now) => Math.floor(now / SECOND_MS) * SECOND_MS, 0);
