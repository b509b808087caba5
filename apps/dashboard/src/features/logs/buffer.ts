// SPDX-License-Identifier: AGPL-3.0-or-later
import type { LogLine } from "@nanoscale/contracts";

/** As many lines as the API gives at once, and as the terminal scrolls back. */
export const MOST_LINES = 10_000;
const SLACK = 2_000;

/** The newest lines of an app. What a new connection brings again is known by its time, and not taken twice. */
export class LogBuffer {
  lines: LogLine[] = [];
  private lastAt = "";
  private atLast = 0;
  /** Lines that are told anew and are here already: until the first one that is not, and at most as many as are told at once. */
  private anew = 0;
  private skip = 0;

  /** A connection begins: it tells the newest lines anew. */
  reconnect() {
    this.anew = this.lastAt === "" ? 0 : MOST_LINES;
    this.skip = this.atLast;
  }

  add(told: readonly LogLine[]): LogLine[] {
    const fresh = told.filter((line) => this.isFresh(line));
    for (const line of fresh) this.lines.push(line);
    // Cut seldom, and much at once: each cut copies what is left.
    if (this.lines.length > MOST_LINES + SLACK) this.lines = this.lines.slice(-MOST_LINES);
    return fresh;
  }

  private isFresh({ at }: LogLine): boolean {
    if (this.anew > 0) {
      this.anew--;
      // Times of one format: their order is that of their letters.
      if (at < this.lastAt) return false;
      if (at === this.lastAt && this.skip > 0) {
        this.skip--;
        return false;
      }
      this.anew = 0;
    }
    if (at > this.lastAt) {
      this.lastAt = at;
      this.atLast = 0;
    }
    // Of two slots, one may be written down a little late.
    if (at === this.lastAt) this.atLast++;
    return true;
  }
}
