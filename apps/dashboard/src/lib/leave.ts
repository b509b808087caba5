// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useRouter } from "next/navigation";
import { useCallback, useEffect, useId } from "react";

/** What has been changed and not saved, by who has it, with the page where that is: what lies on another page is gone. */
const held = new Map<string, string>();
const QUESTION = "Leave without saving? What you have changed is lost.";
let listening = false;

function isHeld(): boolean {
  for (const [who, path] of held) if (path !== window.location.pathname) held.delete(who);
  return held.size > 0;
}

/** Asks where something would be lost; true: it may be. */
export function mayLeave(): boolean {
  if (isHeld() && !window.confirm(QUESTION)) return false;
  held.clear();
  return true;
}

/** The page that a click leads to in this tab, in place of this one. */
function leadsTo(event: MouseEvent): string | null {
  if (event.defaultPrevented || event.button !== 0) return null;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null;
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!(link instanceof HTMLAnchorElement) || link.target === "_blank" || link.hasAttribute("download"))
    return null;
  const here = link.origin === window.location.origin && link.pathname === window.location.pathname;
  return here ? null : link.href;
}

/** Where the history leads to, if that can still be stopped. */
function traversal(event: Event & { navigationType?: string; destination?: { url: string } }): URL | null {
  const { cancelable, navigationType, destination } = event;
  return cancelable && navigationType === "traverse" && destination ? new URL(destination.url) : null;
}

function listen() {
  if (listening) return;
  listening = true;
  window.addEventListener("beforeunload", (event) => {
    if (isHeld()) event.preventDefault();
  });
  window.addEventListener("popstate", isHeld);
  // Back and Forward within the dashboard, where the browser tells before it goes.
  if ("navigation" in window && window.navigation instanceof EventTarget)
    window.navigation.addEventListener("navigate", (event) => {
      const to = traversal(event);
      if (to !== null && to.pathname !== window.location.pathname && !mayLeave()) event.preventDefault();
    });
  // Before the links' own listeners, so that they do not see what was stopped.
  document.addEventListener(
    "click",
    (event) => {
      if (leadsTo(event) === null || mayLeave()) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
}

/**
 * Asks before the page is left: by the address bar, by closing the tab, by a link, or by useGo.
 * A tab of the page that is hidden holds on to what was changed in it: its effects end, but it is still there.
 * So it belongs into a component that is there as long as the form, also while nothing is changed.
 */
export function useLeaveWarning(changed: boolean) {
  const who = useId();
  useEffect(() => {
    if (!changed) {
      held.delete(who);
      return;
    }
    listen();
    held.set(who, window.location.pathname);
  }, [changed, who]);
}

/** The same page under another address: what is held in it is held on. */
export function replaceAddress(pathname: string) {
  for (const [who, path] of held) if (path === window.location.pathname) held.set(who, pathname);
  window.history.replaceState(null, "", pathname + window.location.search);
}

/** router.push of what leads away from a page by a key, a menu or a message: it asks as a link does. */
export function useGo() {
  const router = useRouter();
  return useCallback(
    (href: string) => {
      const { pathname } = new URL(href, window.location.href);
      if (pathname === window.location.pathname || mayLeave()) router.push(href);
    },
    [router],
  );
}
