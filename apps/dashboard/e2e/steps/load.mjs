// SPDX-License-Identifier: AGPL-3.0-or-later
// How pages bear much: sizes and paint times of a first load, a list of a thousand rows, a log that does not stop.
import { settled } from "./common.mjs";

/** A page from an empty cache: compressed bytes of the scripts that its HTML asks for and of all, first contentful paint, layout shifts. */
export async function load(page, { path, title }, { context }) {
  const session = await context.newCDPSession(page);
  const scripts = new Map();
  session.on("Network.requestWillBeSent", (e) => {
    if (e.type === "Script") scripts.set(e.requestId, { inPage: e.initiator.type === "parser", bytes: 0 });
  });
  session.on("Network.loadingFinished", (e) => {
    const script = scripts.get(e.requestId);
    if (script) script.bytes = e.encodedDataLength;
  });
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  try {
    await page.goto(path, { waitUntil: "load" });
    await settled(page, title);
    const { paint, shifts } = await page.evaluate(() => ({
      paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
      shifts: window.seen.shifts,
    }));
    const bytes = (list) => list.reduce((sum, script) => sum + script.bytes, 0);
    const all = [...scripts.values()];
    return {
      script_bytes: bytes(all.filter((script) => script.inPage)),
      all_script_bytes: bytes(all),
      first_paint_ms: Math.round(paint),
      layout_shifts: shifts,
    };
  } finally {
    await session.send("Network.setCacheDisabled", { cacheDisabled: false });
    await session.detach();
  }
}

/** Times between frames from now until the returned function is called, and the tasks of more than 50 ms among them. */
async function measure(page) {
  await page.evaluate(() => {
    window.seen.long.length = 0;
    const frames = { times: [], over: false };
    window.frames_seen = frames;
    let last = performance.now();
    const tick = (now) => {
      frames.times.push(now - last);
      last = now;
      if (!frames.over) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  return () =>
    page.evaluate(() => {
      window.frames_seen.over = true;
      const times = window.frames_seen.times.sort((a, b) => a - b);
      const at = (part) => Math.round(times[Math.floor((times.length - 1) * part)] ?? 0);
      return {
        frames: times.length,
        median_ms: at(0.5),
        p95_ms: at(0.95),
        longest_ms: at(1),
        longest_task_ms: Math.round(Math.max(0, ...window.seen.long)),
      };
    });
}

/** The list of projects: wheeled through, then searched. `last` is a name that sorts at its end. */
export async function longList(page, { count, last }) {
  await page.goto("/projects");
  await page.getByText(`${count.toLocaleString("en")} projects`).waitFor();
  await settled(page, "Projects");
  await page.mouse.move(700, 600);
  const scrolled = await measure(page);
  for (let i = 0; i < 120; i += 1) {
    await page.mouse.wheel(0, 500);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  const scrolling = await scrolled();
  await page.getByRole("link", { name: last }).waitFor();
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  const typed = await measure(page);
  await page.getByRole("searchbox", { name: "Search projects" }).pressSequentially(last, { delay: 60 });
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  return { scrolling, typing: await typed() };
}

/** The log that is open, while `ms` pass in which the app writes; the search has to answer all the while. */
export async function busyLog(page, { ms, last }) {
  const done = await measure(page);
  await page.waitForTimeout(ms);
  const figures = await done();
  const caughtUp = Date.now();
  await page.locator(".xterm-rows").getByText(last).first().waitFor();
  return { ...figures, behind_ms: Date.now() - caughtUp };
}
