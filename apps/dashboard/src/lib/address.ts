// SPDX-License-Identifier: AGPL-3.0-or-later
/** A step of the history for another view of the same page. A click opens a tab twice, by the press and by the focus: one step. */
export function pushAddress(href: string) {
  if (href !== window.location.pathname + window.location.search) window.history.pushState(null, "", href);
}
