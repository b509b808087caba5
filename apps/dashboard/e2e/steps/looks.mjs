// SPDX-License-Identifier: AGPL-3.0-or-later
// How pages look: axe-core, widths and pictures.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DESKTOP, PHONE, axeSource } from "../browser.mjs";
import { inTheme, settled, show } from "./common.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"];
const SIZES = { desktop: DESKTOP, phone: PHONE };

/** Until what fades or slides in is there: half-way its contrast is not the one that it has. What turns for ever goes on. */
const still = (page) =>
  page.evaluate(() => {
    const ending = document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Infinity);
    return Promise.allSettled(ending.map((a) => a.finished)).then(() => undefined);
  });

/** A line for each finding of axe-core in what is on the screen, or in one part of it. */
async function findings(page, within) {
  await still(page);
  await page.evaluate(readFileSync(axeSource(), "utf8")); // the page's policy is not asked about this, unlike about a script element
  const { violations, passes } = await page.evaluate(
    ([part, tags]) => window.axe.run(part ?? document, { runOnly: tags, resultTypes: ["violations"] }),
    [within, TAGS],
  );
  if (passes.length === 0) throw new Error("axe-core has looked at nothing");
  return violations.flatMap((v) =>
    v.nodes
      .slice(0, 3)
      .map((n) => `${v.impact} ${v.id}: ${n.target.join(" ")}: ${n.failureSummary}`.slice(0, 500)),
  );
}

/** What sticks out of the screen. */
const tooWide = (page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? [`${scrollWidth} of ${clientWidth} px`] : [];
  });

/**
 * Every page in both themes, on a desktop's screen and on a phone's: a picture of it, and what axe-core and its width say of it.
 * `pages`: [[path, title, name of the picture, status]…]. Returns a line for whatever is wrong.
 */
export async function look(page, { pages, directory }, { problems, violations, expect }) {
  mkdirSync(directory, { recursive: true });
  const wrong = [];
  try {
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      for (const [path, title, name, status] of pages) {
        if (status) expect(new RegExp(`status of ${status} .* ${path}$`));
        await show(page, path, title);
        for (const theme of ["light", "dark"]) {
          await inTheme(page, theme, title);
          await page.screenshot({ path: join(directory, `${name}-${size}-${theme}.png`) });
          const found = [...(await findings(page)), ...(await tooWide(page))];
          wrong.push(...found.map((line) => `${path}, ${theme}, ${size}: ${line}`));
        }
        const found = [...(await violations()), ...problems()];
        wrong.push(...found.map((line) => `${path}, ${size}: ${line}`));
      }
    }
  } finally {
    await page.setViewportSize(DESKTOP);
  }
  return wrong;
}

/** What axe-core says of what opens over a page: the palette, the account's menu and the dialog of “Add server”. */
export async function overlaysAccessible(page, { user }) {
  const wrong = [];
  for (const theme of ["light", "dark"]) {
    const look = async (name, within) =>
      wrong.push(...(await findings(page, within)).map((line) => `${theme}, ${name}: ${line}`));
    const close = async (role) => {
      await page.keyboard.press("Escape");
      await page.getByRole(role).waitFor({ state: "detached" });
    };
    await show(page, "/servers", "Servers");
    await inTheme(page, theme, "Servers");
    await page.keyboard.press("Control+k");
    await page.getByRole("option").first().waitFor();
    await look("palette", "[role=dialog]");
    await close("combobox");
    await page.getByRole("button", { name: `Account of ${user}` }).click();
    await page.getByRole("menu").waitFor();
    await look("menu", "[role=menu]");
    await close("menu");
    await page.getByRole("button", { name: "Add server" }).first().click();
    await page.getByRole("dialog").getByRole("button", { name: "Copy the command" }).first().waitFor();
    await look("add server", "[role=dialog]");
    await close("dialog");
    await settled(page, "Servers");
    await look("after them");
  }
  return wrong;
}
