// SPDX-License-Identifier: AGPL-3.0-or-later
/** Nothing is asked for before it is known that somebody is signed in: without a session each question would be refused. */
let open: () => void = () => undefined;
const known = new Promise<void>((resolve) => {
  open = resolve;
});

export const isSignedIn = () => open();
export const untilSignedIn = () => known;
