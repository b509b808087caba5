// SPDX-License-Identifier: AGPL-3.0-or-later
/** Server-sent events by fetch: unlike EventSource it says why it was refused, and takes up where it was. */
import { ApiError, refusal } from "./api";

export type SseEvent = { id: string; name: string; data: string };

/** Of what docs/api.md promises for streams: lines that end in \n, fields id, event and data, comments. */
export class SseParser {
  private rest = "";
  private id = "";
  private name = "";
  private data: string[] = [];

  feed(text: string): SseEvent[] {
    const events: SseEvent[] = [];
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") this.dispatch(events);
      else this.take(line);
    }
    return events;
  }

  private dispatch(events: SseEvent[]) {
    if (this.data.length > 0)
      events.push({ id: this.id, name: this.name || "message", data: this.data.join("\n") });
    this.name = "";
    this.data = [];
  }

  private take(line: string) {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") this.data.push(value);
    else if (field === "event") this.name = value;
    else if (field === "id") this.id = value;
  }
}

/** The server sends a comment each 15 s: after three of those without a byte the line is dead, whatever TCP says. */
export const SILENCE_MS = 45_000;

async function* chunks(body: ReadableStream<Uint8Array>, abort: AbortController): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), SILENCE_MS);
  };
  try {
    for (;;) {
      watch();
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Reads one stream to its end, handing on what has come with each piece of it. Returns when the server has ended it,
 * throws ApiError when it was refused or broke off, and AbortError when `signal` said so.
 */
export async function readStream(
  path: string,
  options: {
    signal: AbortSignal;
    lastId?: string;
    onOpen?: () => void;
    onEvents: (events: SseEvent[]) => void;
  },
): Promise<void> {
  const { signal, lastId, onOpen, onEvents } = options;
  const abort = new AbortController();
  const stop = () => abort.abort();
  signal.throwIfAborted();
  signal.addEventListener("abort", stop);
  try {
    const response = await fetch(`/api${path}`, {
      signal: abort.signal,
      credentials: "same-origin",
      cache: "no-store",
      headers: { accept: "text/event-stream", ...(lastId ? { "last-event-id": lastId } : {}) },
    });
    if (!response.ok) throw await refusal(response);
    if (!response.body) return;
    onOpen?.();
    const parser = new SseParser();
    for await (const text of chunks(response.body, abort)) {
      const events = parser.feed(text);
      if (events.length > 0) onEvents(events);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ApiError) throw error;
    throw new ApiError(0, "unreachable", "The connection to the server broke off.");
  } finally {
    signal.removeEventListener("abort", stop);
    abort.abort();
  }
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

export type StreamState =
  | { kind: "connecting" }
  | { kind: "live" }
  | { kind: "ended" }
  /** Tried again by itself at `retryAt`. */
  | { kind: "lost"; error: Error; retryAt: number }
  /** The server will say the same next time. */
  | { kind: "refused"; error: Error };

const isFinal = (error: unknown) =>
  error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });

/**
 * Follows a stream over breaks until `onEvents` says that the last event has come (true), or the returned function is called.
 * `path` is asked for anew each time; an event with the id of one that has come is not handed on again.
 */
export function followStream(options: {
  path: () => string;
  onState: (state: StreamState) => void;
  onEvents: (events: SseEvent[]) => boolean;
  /** The stream ends by itself and that is its end, without an event that says so. */
  endsQuietly?: boolean;
}): () => void {
  const { path, onState, onEvents, endsQuietly } = options;
  const abort = new AbortController();
  const { signal } = abort;
  let lastId = 0;
  let wait = FIRST_PAUSE_MS;
  let over = false;

  const take = (events: SseEvent[]) => {
    wait = FIRST_PAUSE_MS;
    const fresh = events.filter((event) => {
      const id = Number(event.id);
      if (!(id > 0)) return true;
      if (id <= lastId) return false;
      lastId = id;
      return true;
    });
    if (fresh.length > 0 && onEvents(fresh)) over = true;
  };
  const run = async () => {
    while (!signal.aborted) {
      onState({ kind: "connecting" });
      let failure: Error = new ApiError(0, "unreachable", "The server ended the stream.");
      try {
        await readStream(path(), {
          signal,
          lastId: lastId > 0 ? String(lastId) : undefined,
          onOpen: () => onState({ kind: "live" }),
          onEvents: take,
        });
        if (endsQuietly) over = true;
      } catch (error) {
        if (signal.aborted) return;
        if (isFinal(error)) {
          onState({ kind: "refused", error: error as ApiError });
          return;
        }
        failure = error instanceof Error ? error : new Error(String(error));
      }
      if (over) {
        onState({ kind: "ended" });
        return;
      }
      onState({ kind: "lost", error: failure, retryAt: Date.now() + wait });
      await pause(wait, signal);
      wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
    }
  };
  void run();
  return () => abort.abort();
}
