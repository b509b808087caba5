// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useEffect, useEffectEvent } from "react";
import { NAV } from "./nav";

const CHORD_MS = 1200;

/** Where a single key is text, or belongs to what is open, it is not ours. */
function isTaken(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.closest(
      "input:not([type=radio]):not([type=checkbox]), textarea, select, [role=menu], [role=dialog], [role=alertdialog], .xterm",
    ) !== null
  );
}

export type Shortcut = "palette" | "help" | "new-project" | { go: string };

/** Ctrl or ⌘ K, `?`, `n`, and `g` followed by the letter of a page. */
export function useShortcuts(run: (shortcut: Shortcut) => void) {
  const onShortcut = useEffectEvent(run);
  useEffect(() => {
    let chordUntil = 0;
    const find = (event: KeyboardEvent): Shortcut | null => {
      const key = event.key.toLowerCase();
      if ((event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey && key === "k")
        return "palette";
      if (event.metaKey || event.ctrlKey || event.altKey || isTaken(event.target)) return null;
      if (Date.now() < chordUntil) {
        chordUntil = 0;
        const page = NAV.find((item) => item.key === key);
        return page ? { go: page.href } : null;
      }
      if (key === "g") chordUntil = Date.now() + CHORD_MS;
      if (key === "?") return "help";
      return key === "n" ? "new-project" : null;
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.repeat) return;
      const shortcut = find(event);
      if (shortcut === null) return;
      event.preventDefault();
      onShortcut(shortcut);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
