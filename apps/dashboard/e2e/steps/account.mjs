// SPDX-License-Identifier: AGPL-3.0-or-later
// Who is signed in.
import { heading, path as pathOf } from "./common.mjs";

/** The first run, with the code of the installer; ends on the overview. */
export async function claim(page, { code, user, password }) {
  await page.goto("/setup");
  await page.getByRole("textbox", { name: "Claim code" }).fill(code);
  await page.getByRole("textbox", { name: "User name" }).fill(user);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByLabel("The same again").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await heading(page, "Overview");
  await page.getByRole("button", { name: `Account of ${user}` }).waitFor();
}

/** What the form says of a code that is none. */
export async function claimWrongly(page, { code, user, password, says }, { expect }) {
  expect(/401 .*\/api\/auth\/setup$/);
  await page.goto("/setup");
  await page.getByRole("textbox", { name: "Claim code" }).fill(code);
  await page.getByRole("textbox", { name: "User name" }).fill(user);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByLabel("The same again").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText(says).waitFor();
  return page.getByRole("textbox", { name: "Claim code" }).getAttribute("aria-invalid");
}

export async function signOut(page, { user }) {
  await page.getByRole("button", { name: `Account of ${user}` }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await heading(page, "Sign in");
  return pathOf(page);
}

/** A page asked for without a session leads to the form, and the form back to it. */
export async function signInOnTheWayTo(page, { path, title, user, password }) {
  await page.goto(path);
  await heading(page, "Sign in");
  await page.getByRole("textbox", { name: "User name" }).fill(user);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await heading(page, title);
  return pathOf(page);
}

/** Tab until what has the focus is called so, as who has no mouse does. */
async function tabTo(page, role, name) {
  const wanted = page.getByRole(role, { name });
  await wanted.waitFor();
  for (let i = 0; i < 60; i += 1) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the Tab key does not come to the ${role} “${name}”`);
}

/** Sign-in, the palette and a page of it, without a mouse. */
export async function byKeyboard(page, { user, password }) {
  await page.goto("/login");
  await heading(page, "Sign in");
  await tabTo(page, "textbox", "User name");
  await page.keyboard.type(user);
  await page.keyboard.press("Tab");
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await heading(page, "Overview");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").waitFor();
  await page.keyboard.type("servers");
  await page.getByRole("option", { name: "Servers" }).first().waitFor();
  await page.keyboard.press("Enter");
  await heading(page, "Servers");
  await page.keyboard.press("g");
  await page.keyboard.press("o");
  await heading(page, "Overview");
}

export async function setTheme(page, { user, theme }) {
  await page.getByRole("button", { name: `Account of ${user}` }).click();
  await page.getByRole("menuitemradio", { name: theme, exact: true }).click();
  await page.locator(`html.${theme.toLowerCase()}`).waitFor();
  await page.reload();
  await page.locator(`html.${theme.toLowerCase()}`).waitFor();
}

export async function changePassword(page, { old, password }) {
  await page.goto("/settings?tab=account");
  await page.getByLabel("Current password").fill(old);
  await page.getByLabel("New password").fill(password);
  await page.getByLabel("The same again").fill(password);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("The password has been changed").waitFor();
}

/** A token that may read. Returns it, as it is shown this once. */
export async function createToken(page, { name }) {
  await page.goto("/settings");
  await page.getByRole("tab", { name: "API tokens" }).click();
  await page.getByRole("button", { name: "Create token" }).click();
  const form = page.getByRole("dialog", { name: "Create an API token" });
  await form.getByRole("textbox", { name: "Name" }).fill(name);
  await form.getByRole("button", { name: "Create token" }).click();
  const made = page.getByRole("dialog", { name: `The token ${name}` });
  const token = await made.locator("code").first().innerText();
  await made.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("button", { name: `Revoke ${name}` }).waitFor();
  return token;
}
