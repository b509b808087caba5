// SPDX-License-Identifier: AGPL-3.0-or-later
// Servers that join. Two steps, since what is printed is run on the other server between them.
import { heading, path as pathOf } from "./common.mjs";

/** Opens “Add server” and returns the command that it shows. */
export async function addServer(page) {
  await page.goto("/servers");
  await page.getByRole("button", { name: "Add server" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Add a server" });
  await dialog.getByRole("button", { name: "Copy the command" }).first().waitFor();
  return dialog.locator("code").innerText();
}

/** The dialog ends by itself, and the server is in the table, online: nothing is reloaded. */
export async function serverIsThere(page, { name }) {
  await page.getByRole("dialog", { name: "Add a server" }).waitFor({ state: "detached" });
  const row = page.getByRole("region", { name: "Servers" }).getByRole("row").filter({ hasText: name });
  await row.getByText("Online").waitFor();
  await row.getByRole("link", { name }).click();
  await heading(page, name);
  return pathOf(page);
}

/** What a deep link shows after a reload is the same page. */
export async function reloadKeeps(page, { path, title }) {
  await page.goto(path);
  await heading(page, title);
  await page.reload();
  await heading(page, title);
}
