// SPDX-License-Identifier: AGPL-3.0-or-later
// What the steps share. Everything is found by role and name, as a screen reader finds it.

export const path = (page) => new URL(page.url()).pathname;

export const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();

/** The word for its state that stands beside a page's title. */
export const status = (page, word) =>
  page.getByRole("heading", { level: 1 }).getByText(word, { exact: true });

/** The page with its content: its title is there, no skeleton is left, and no animation is on its way. */
export async function settled(page, title) {
  await heading(page, title);
  await page.waitForFunction(() => {
    const lines = document.querySelector(".xterm-rows");
    return document.querySelector("main .animate-pulse") === null && lines?.textContent.trim() !== "";
  });
  await page.evaluate(async () => {
    await document.fonts.ready;
    const ending = document
      .getAnimations()
      .filter((a) => a.effect?.getComputedTiming().endTime !== Infinity)
      .map((a) => a.finished.catch(() => null));
    await Promise.all(ending);
  });
}

export async function show(page, address, title) {
  await page.goto(address);
  await settled(page, title);
}

/** As another tab of the dashboard would tell it, so without loading the page anew. */
export async function inTheme(page, theme, title) {
  await page.evaluate((value) => {
    localStorage.setItem("theme", value);
    dispatchEvent(new StorageEvent("storage", { key: "theme", newValue: value }));
  }, theme);
  await page.locator(`html.${theme}`).waitFor();
  await settled(page, title);
}
