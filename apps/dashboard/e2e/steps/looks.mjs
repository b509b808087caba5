// SPDX-License-Identifier: AGPL-3.0-or-later
// How pages look: axe-core, widths, pictures, sizes and paint times.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DESKTOP, PHONE, axeSource } from "../browser.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"];

/** The page with its content: its title is there, no skeleton is left, and no animation is on its way. */
async function settled(page, title) {
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
  await page.waitForFunction(() => document.querySelector("main .animate-pulse") === null);
  await page.evaluate(async () => {
    await document.fonts.ready;
    const ending = document
      .getAnimations()
      .filter((a) => a.effect?.getComputedTiming().endTime !== Infinity)
      .map((a) => a.finished.catch(() => null));
    await Promise.all(ending);
  });
}

async function show(page, path, title, theme) {
  await page.evaluate((t) => localStorage.setItem("theme", t), theme);
  await page.goto(path);
  await page.locator(`html.${theme}`).waitFor();
  await settled(page, title);
}

/** A line for each finding of axe-core in what is on the screen. */
async function findings(page) {
  await page.evaluate(readFileSync(axeSource(), "utf8")); // the page's policy is not asked about this, unlike about a script element
  const { violations, passes } = await page.evaluate(
    (tags) => window.axe.run(document, { runOnly: tags, resultTypes: ["violations"] }),
    TAGS,
  );
  if (passes.length === 0) throw new Error("axe-core has looked at nothing");
  return violations.flatMap((v) =>
    v.nodes
      .slice(0, 3)
      .map((n) => `${v.impact} ${v.id}: ${n.target.join(" ")}: ${n.failureSummary}`.slice(0, 500)),
  );
}

/** `pages`: [[path, title]…]. Returns what is wrong with each, in both themes. */
export async function accessible(page, { pages }) {
  const wrong = [];
  for (const theme of ["light", "dark"])
    for (const [path, title] of pages) {
      await show(page, path, title, theme);
      for (const line of await findings(page)) wrong.push(`${theme} ${path}: ${line}`);
    }
  return wrong;
}

/** The same of what opens over a page: the palette, the help, the account's menu and the dialog of “Add server”. */
export async function overlaysAccessible(page, { user }) {
  const wrong = [];
  const look = async (theme, name) => {
    await settled(page, "Servers");
    for (const line of await findings(page)) wrong.push(`${theme} ${name}: ${line}`);
  };
  for (const theme of ["light", "dark"]) {
    await show(page, "/servers", "Servers", theme);
    await page.keyboard.press("Control+k");
    await page.getByRole("option").first().waitFor();
    wrong.push(...(await findings(page)).map((line) => `${theme} palette: ${line}`));
    await page.keyboard.press("Escape");
    await page.getByRole("combobox").waitFor({ state: "detached" });
    await page.getByRole("button", { name: `Account of ${user}` }).click();
    await page.getByRole("menu").waitFor();
    wrong.push(...(await findings(page)).map((line) => `${theme} menu: ${line}`));
    await page.keyboard.press("Escape");
    await page.getByRole("menu").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Add server" }).first().click();
    await page.getByRole("dialog").getByRole("button", { name: "Copy the command" }).first().waitFor();
    wrong.push(...(await findings(page)).map((line) => `${theme} add server: ${line}`));
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await look(theme, "after them");
  }
  return wrong;
}

/** Pages that are wider than a phone's screen, with what sticks out of it. */
export async function tooWide(page, { pages, width }) {
  const wrong = [];
  await page.setViewportSize({ ...PHONE, width });
  try {
    for (const [path, title] of pages) {
      await show(page, path, title, "dark");
      const out = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return scrollWidth > clientWidth ? `${scrollWidth} of ${clientWidth} px` : null;
      });
      if (out) wrong.push(`${path}: ${out}`);
    }
  } finally {
    await page.setViewportSize(DESKTOP);
  }
  return wrong;
}

/** Pictures of every page, both themes, desktop and phone. Returns their names. */
export async function pictures(page, { pages, directory }) {
  mkdirSync(directory, { recursive: true });
  const made = [];
  try {
    for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      await page.setViewportSize(viewport);
      for (const theme of ["light", "dark"])
        for (const [path, title, name] of pages) {
          await show(page, path, title, theme);
          made.push(`${name}-${theme}-${size}.png`);
          await page.screenshot({ path: join(directory, made.at(-1)) });
        }
    }
  } finally {
    await page.setViewportSize(DESKTOP);
  }
  return made;
}

/** A page from an empty cache: compressed bytes of its scripts as they came, first contentful paint, layout shift. */
export async function load(page, { path, title }, { context }) {
  const session = await context.newCDPSession(page);
  const scripts = new Map();
  session.on("Network.responseReceived", (e) => {
    if (e.type === "Script") scripts.set(e.requestId, 0);
  });
  session.on("Network.loadingFinished", (e) => {
    if (scripts.has(e.requestId)) scripts.set(e.requestId, e.encodedDataLength);
  });
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  try {
    await page.goto(path, { waitUntil: "load" });
    await settled(page, title);
    const { paint, shift } = await page.evaluate(() => ({
      paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
      shift: window.seen.shift,
    }));
    const bytes = [...scripts.values()].reduce((sum, n) => sum + n, 0);
    return { script_bytes: bytes, scripts: scripts.size, first_paint_ms: paint, layout_shift: shift };
  } finally {
    await session.send("Network.setCacheDisabled", { cacheDisabled: false });
    await session.detach();
  }
}
