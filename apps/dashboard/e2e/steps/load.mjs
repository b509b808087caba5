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

/** From now until the returned function is called: times between frames, the longest task, and what the page's thread had of the processor. */
async function measure(page, context) {
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return (metrics.find((m) => m.name === "TaskDuration")?.value ?? 0) * 1000;
  };
  await page.evaluate(() => {
    window.seen.long.length = 0;
    const frames = { times: [], over: false };
    window.seen.frames = frames;
    let last = performance.now();
    const tick = (now) => {
      frames.times.push(now - last);
      last = now;
      if (!frames.over) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  const before = await busy();
  return async () => {
    const cpu = (await busy()) - before;
    await session.detach();
    const { times, longest } = await page.evaluate(() => {
      window.seen.frames.over = true;
      return {
        times: window.seen.frames.times.sort((a, b) => a - b),
        longest: Math.max(0, ...window.seen.long),
      };
    });
    const at = (part) => Math.round(times[Math.floor((times.length - 1) * part)] ?? 0);
    return {
      frames: times.length,
      median_ms: at(0.5),
      p95_ms: at(0.95),
      longest_ms: at(1),
      longest_task_ms: Math.round(longest),
      processor_ms: Math.round(cpu),
    };
  };
}

/** The list of projects: wheeled through, then searched. `last` is a name that sorts at its end. */
export async function longList(page, { count, last }, { context }) {
  await page.goto("/projects");
  await page.getByText(`${count.toLocaleString("en")} projects`).waitFor();
  await settled(page, "Projects");
  await page.mouse.move(700, 600);
  const scrolled = await measure(page, context);
  for (let i = 0; i < 120; i += 1) {
    await page.mouse.wheel(0, 500);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  const scrolling = await scrolled();
  await page.getByRole("link", { name: last }).waitFor();
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  const typed = await measure(page, context);
  await page.getByRole("searchbox", { name: "Search projects" }).pressSequentially(last, { delay: 60 });
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  return { scrolling, typing: await typed() };
}

/** The log that is open, while `ms` pass in which the app writes, and until its `last` line is on the screen. */
export async function busyLog(page, { ms, last }, { context }) {
  const done = await measure(page, context);
  await page.waitForTimeout(ms);
  const figures = await done();
  const caughtUp = Date.now();
  await page.locator(".xterm-rows").getByText(last).first().waitFor();
  const behind = Date.now() - caughtUp;
  // The app prints its first word in green.
  await page.locator(".xterm-rows .xterm-fg-2").getByText("info").first().waitFor();
  return { ...figures, behind_ms: behind };
}
