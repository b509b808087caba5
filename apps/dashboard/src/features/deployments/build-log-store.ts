// SPDX-License-Identifier: AGPL-3.0-or-later
import type { BuildLine, Deployment, Step } from "@nanoscale/contracts";
import { perFrame } from "@/lib/frame";
import { followStream, type SseEvent, type StreamState } from "@/lib/sse";

export type NumberedLine = BuildLine & { number: number };
/** A run of lines of one step. It is replaced when it grows, so that all others keep what they have drawn. */
export type Chunk = { key: number; step: Step["name"]; lines: readonly NumberedLine[] };
export type BuildLogSnapshot = {
  chunks: readonly Chunk[];
  total: number;
  steps: readonly Step[];
  state: StreamState;
};

export const CHUNK_LINES = 200;
const EMPTY: BuildLogSnapshot = { chunks: [], total: 0, steps: [], state: { kind: "connecting" } };

export function appendLines(chunks: readonly Chunk[], added: readonly NumberedLine[]): Chunk[] {
  const next = [...chunks];
  for (let i = 0; i < added.length;) {
    const first = added[i];
    if (!first) break;
    const last = next.at(-1);
    const open = last && last.step === first.step && last.lines.length < CHUNK_LINES ? last : undefined;
    const room = CHUNK_LINES - (open?.lines.length ?? 0);
    let end = i;
    while (end < added.length && end - i < room && added[end]?.step === first.step) end++;
    const run = added.slice(i, end);
    if (open) next[next.length - 1] = { ...open, lines: [...open.lines, ...run] };
    else next.push({ key: first.number, step: first.step, lines: run });
    i = end;
  }
  return next;
}

/** The events of one deployment, gathered per frame. */
export class BuildLogStore {
  private snapshot = EMPTY;
  private listeners = new Set<() => void>();
  private lines: NumberedLine[] = [];
  private steps: Step[] = [];
  private state: StreamState = EMPTY.state;
  private count = 0;
  private frame = perFrame(() => this.flush());

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  read = () => this.snapshot;

  start(id: string, onDeployment: (deployment: Deployment) => void): () => void {
    this.snapshot = EMPTY;
    this.lines = [];
    this.steps = [];
    this.count = 0;
    const stop = followStream({
      path: () => `/deployments/${encodeURIComponent(id)}/events`,
      onState: (state) => {
        this.state = state;
        this.frame.ask();
      },
      onEvents: (events) => {
        let over = false;
        for (const event of events) over = this.take(event, onDeployment) || over;
        this.frame.ask();
        return over;
      },
    });
    return () => {
      stop();
      this.frame.drop();
    };
  }

  private take(event: SseEvent, onDeployment: (deployment: Deployment) => void): boolean {
    const data: unknown = JSON.parse(event.data);
    if (event.name === "log") this.lines.push({ ...(data as BuildLine), number: ++this.count });
    else if (event.name === "step") this.steps.push(data as Step);
    else if (event.name === "deployment" || event.name === "end") onDeployment(data as Deployment);
    return event.name === "end";
  }

  private flush() {
    const steps = new Map(this.snapshot.steps.map((s) => [s.name, s]));
    for (const step of this.steps) steps.set(step.name, step);
    this.snapshot = {
      chunks: this.lines.length ? appendLines(this.snapshot.chunks, this.lines) : this.snapshot.chunks,
      total: this.count,
      steps: this.steps.length ? [...steps.values()] : this.snapshot.steps,
      state: this.state,
    };
    this.lines = [];
    this.steps = [];
    for (const tell of this.listeners) tell();
  }
}
