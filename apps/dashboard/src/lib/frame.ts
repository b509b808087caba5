// SPDX-License-Identifier: AGPL-3.0-or-later
/** Runs `work` once with the next frame however often it is asked for; in a tab out of sight, which has no frames, once a second. */
const HIDDEN_MS = 1000;

export function perFrame(work: () => void): { ask: () => void; drop: () => void } {
  let frame = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const drop = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = 0;
    timer = undefined;
  };
  const run = () => {
    drop();
    work();
  };
  return {
    ask: () => {
      if (frame !== 0 || timer !== undefined) return;
      // Both: a frame that was asked for before the tab was hidden does not come.
      frame = requestAnimationFrame(run);
      timer = setTimeout(run, HIDDEN_MS);
    },
    drop,
  };
}
