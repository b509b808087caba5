// SPDX-License-Identifier: AGPL-3.0-or-later
import type { LogLine } from "@nanoscale/contracts";
import { part } from "@/lib/api";
import { perFrame } from "@/lib/frame";
import { followStream, type StreamState } from "@/lib/sse";
import { LogBuffer, MOST_LINES } from "./buffer";
import type { Screen } from "./terminal";
import { earliest, forTerminal, type LogView } from "./text";

export type LogSnapshot = {
  state: StreamState;
  view: LogView;
  paused: boolean;
  /** Lines on the screen, and those that came since it was paused. */
  shown: number;
  unseen: number;
};

const FIRST_LINES = 2_000;
const START: LogSnapshot = {
  state: { kind: "connecting" },
  view: { filter: "", since: "all", times: true },
  paused: false,
  shown: 0,
  unseen: 0,
};

/**
 * Lines of an app, from the stream to the screen, a frame's worth at a time: React is told of counts alone.
 * While paused they are kept, and the screen stays as it is.
 */
export class LogStore {
  private snapshot = START;
  private readonly listeners = new Set<() => void>();
  private readonly buffer = new LogBuffer();
  private incoming: LogLine[] = [];
  private screen: Screen | null = null;
  private isStale = false;
  private readonly frame = perFrame(() => this.flush());

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  read = () => this.snapshot;
  lines = () => this.buffer.lines;

  start(name: string): () => void {
    const stop = followStream({
      path: () => {
        const lines = this.buffer.lines.length === 0 ? FIRST_LINES : MOST_LINES;
        this.buffer.reconnect();
        return `/logs/${part(name)}?lines=${lines}&follow=1`;
      },
      onState: (state) => this.tell({ state }),
      onEvents: (events) => {
        for (const event of events)
          if (event.name === "log") this.incoming.push(JSON.parse(event.data) as LogLine);
        // Out of sight there are few frames: no more is kept than could be shown.
        if (this.incoming.length > 2 * MOST_LINES) this.incoming = this.incoming.slice(-MOST_LINES);
        this.frame.ask();
        return false;
      },
    });
    return () => {
      stop();
      this.frame.drop();
    };
  }

  setScreen = (screen: Screen | null) => {
    this.screen = screen;
    this.redraw();
  };
  setView(view: Partial<LogView>) {
    this.tell({ view: { ...this.snapshot.view, ...view }, paused: false });
    this.redraw();
  }
  setPaused = (paused: boolean) => {
    if (paused === this.snapshot.paused) return;
    this.tell({ paused });
    if (!paused) this.redraw();
  };

  private redraw() {
    this.isStale = true;
    this.frame.ask();
  }

  private write(lines: readonly LogLine[]): number {
    const { view } = this.snapshot;
    const { text, count } = forTerminal(lines, view, earliest(view.since, Date.now()));
    if (count > 0 && (this.isStale || !this.snapshot.paused)) this.screen?.write(text);
    return count;
  }

  private flush() {
    const fresh = this.buffer.add(this.incoming);
    this.incoming = [];
    if (this.isStale) {
      this.screen?.clear();
      const shown = this.write(this.buffer.lines.slice(-MOST_LINES));
      this.screen?.toEnd();
      this.isStale = false;
      this.tell({ shown, unseen: 0 });
      return;
    }
    const { paused, shown, unseen } = this.snapshot;
    const count = this.write(fresh.slice(-MOST_LINES));
    if (count === 0) return;
    this.tell(paused ? { unseen: unseen + count } : { shown: Math.min(MOST_LINES, shown + count) });
  }

  private tell(change: Partial<LogSnapshot>) {
    this.snapshot = { ...this.snapshot, ...change };
    for (const listener of this.listeners) listener();
  }
}
