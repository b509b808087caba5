// SPDX-License-Identifier: AGPL-3.0-or-later
import { afterEach, describe, expect, it, vi } from "vitest";
import { followStream, SseParser, type SseEvent, type StreamState } from "./sse";

describe("SseParser", () => {
  const text = ':\n\nid: 1\nevent: log\ndata: {"line":"a: b"}\n\nevent: end\ndata: x\ndata: y\n\n';
  const events: SseEvent[] = [
    { id: "1", name: "log", data: '{"line":"a: b"}' },
    { id: "1", name: "end", data: "x\ny" },
  ];
  it("reads events however they are cut", () => {
    for (let at = 0; at <= text.length; at++) {
      const parser = new SseParser();
      expect([...parser.feed(text.slice(0, at)), ...parser.feed(text.slice(at))]).toEqual(events);
    }
  });
  it("takes \\r\\n, and waits for the blank line", () => {
    const parser = new SseParser();
    expect(parser.feed("data:1\r\n")).toEqual([]);
    expect(parser.feed("\r\n")).toEqual([{ id: "", name: "message", data: "1" }]);
  });
});

const stream = (text: string) =>
  new Response(text, { status: 200, headers: { "content-type": "text/event-stream" } });
const event = (id: number, name = "log") => `id: ${id}\nevent: ${name}\ndata: ${id}\n\n`;

describe("followStream", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  async function follow(answers: Response[]) {
    vi.useFakeTimers();
    const asked: (string | null)[] = [];
    vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
      asked.push(new Headers(init.headers).get("last-event-id"));
      const answer = answers.shift();
      return answer ? Promise.resolve(answer) : Promise.reject(new TypeError("no network"));
    });
    const seen: string[] = [];
    const states: StreamState["kind"][] = [];
    const stop = followStream({
      path: () => "/x",
      onState: (state) => states.push(state.kind),
      onEvents: (events) => {
        seen.push(...events.map((e) => e.data));
        return events.some((e) => e.name === "end");
      },
    });
    await vi.advanceTimersByTimeAsync(10_000);
    stop();
    return { asked, seen, states };
  }

  it("goes on after the last event that it has, and hands none on twice", async () => {
    const run = await follow([stream(event(1) + event(2)), stream(event(2) + event(3) + event(4, "end"))]);
    expect(run.asked).toEqual([null, "2"]);
    expect(run.seen).toEqual(["1", "2", "3", "4"]);
    expect(run.states).toEqual(["connecting", "live", "lost", "connecting", "live", "ended"]);
  });
  it("tries again when there is no network or a bad gateway", async () => {
    const run = await follow([new Response("", { status: 502 }), stream(event(1, "end"))]);
    expect(run.states).toEqual(["connecting", "lost", "connecting", "live", "ended"]);
  });
  it("does not ask again what was refused for good", async () => {
    const body = JSON.stringify({
      type: "deployment-absent",
      title: "",
      status: 404,
      detail: "There is none.",
    });
    const run = await follow([new Response(body, { status: 404 })]);
    expect(run.states).toEqual(["connecting", "refused"]);
    expect(run.asked).toHaveLength(1);
  });
});
