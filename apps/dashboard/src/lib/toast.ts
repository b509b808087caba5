// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useSyncExternalStore } from "react";

/** Short news in a corner: what came of an act whose button is out of sight by now. Errors of a form stay in the form. */
export type Toast = {
  id: number;
  tone: "success" | "error" | "info";
  title: string;
  detail?: string;
  action?: { label: string; run: () => void };
};
type Options = Pick<Toast, "detail" | "action">;

const SHOWN_MS = 6000;
const ERROR_SHOWN_MS = 12_000;
const MOST = 4;
const none: Toast[] = [];
let toasts = none;
let lastId = 0;
const listeners = new Set<() => void>();

function set(next: Toast[]) {
  toasts = next;
  for (const tell of listeners) tell();
}

export function dismiss(id: number) {
  set(toasts.filter((t) => t.id !== id));
}

function show(tone: Toast["tone"], title: string, options?: Options) {
  const id = ++lastId;
  set([...toasts, { id, tone, title, ...options }].slice(-MOST));
  setTimeout(() => dismiss(id), tone === "error" ? ERROR_SHOWN_MS : SHOWN_MS);
  return id;
}

export const toast = {
  success: (title: string, options?: Options) => show("success", title, options),
  info: (title: string, options?: Options) => show("info", title, options),
  /** With what the API said as the detail, where an error is given. */
  error: (title: string, error?: Error | null, options?: Options) =>
    show("error", title, { detail: error?.message, ...options }),
};

export const useToasts = () =>
  useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => toasts,
    () => none,
  );
