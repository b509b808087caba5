// SPDX-License-Identifier: AGPL-3.0-or-later
// What one does with a project, from its repository's address to its deletion.
import { heading, path, status } from "./common.mjs";

/** Types the repository's address, waits for what is found there, and creates the project. Ends on its first deployment. */
export async function newProject(page, { url, name, server }) {
  await page.goto("/projects");
  await page.getByRole("link", { name: "New project" }).first().click();
  await heading(page, "New project");
  await page.getByRole("textbox", { name: "Repository" }).fill(url);
  await page.getByText("Node.js", { exact: true }).first().waitFor();
  // The first: a variable of the environment has a name, too.
  const input = (label) => page.getByRole("textbox", { name: label, exact: true }).first().inputValue();
  const found = {
    name: await input("Name"),
    branch: await page.getByRole("combobox", { name: "Branch" }).inputValue(),
    build: await input("Build command"),
    start: await input("Start command"),
  };
  await page.getByRole("radio", { name: server }).check();
  await page.getByRole("textbox", { name: "Name", exact: true }).first().fill(name);
  await page.getByRole("button", { name: "Create and deploy" }).click();
  await page.waitForURL(/\/deployments\//);
  return found;
}

/** Deploys what the branch has now, from the project's page. Ends on the deployment. */
export async function deploy(page, { name }) {
  await openProject(page, name);
  await page.getByRole("button", { name: "Deploy", exact: true }).click();
  await page.waitForURL(/\/deployments\//);
}

/** Follows the deployment on the screen to its end. `line` has to come while it is under way; `state` is its end. */
export async function follow(page, { line, state }) {
  if (line) {
    await page.getByRole("log", { name: "Lines of the build" }).getByText(line).first().waitFor();
    if (!(await page.getByRole("button", { name: "Cancel" }).isVisible()))
      throw new Error(`“${line}” came only when it was over`);
  }
  await status(page, state).waitFor();
  return path(page);
}

/** From the project's page to why the last deployment failed. */
export async function readWhy(page, { name }) {
  await openProject(page, name);
  await page.getByRole("link", { name: "See why" }).click();
  await page.waitForURL(/\/deployments\//);
  const why = page.getByRole("region", { name: "Why it failed" });
  await why.waitFor();
  return {
    path: path(page),
    title: await why.getByRole("heading").innerText(),
    lines: await why.getByLabel("Its last lines").innerText(),
    remedies: await why.getByRole("button").allInnerTexts(),
  };
}

export async function rollBack(page, { name, release }) {
  await openProject(page, name);
  await page.getByRole("button", { name: "Roll back", exact: true }).click();
  const dialog = page.getByRole("alertdialog", { name: `Roll ${name} back` });
  await dialog.getByRole("radio", { name: new RegExp(`^${release} ·`) }).check();
  await dialog.getByRole("button", { name: `Roll back to release ${release}` }).click();
  await page.waitForURL(/\/deployments\//);
  await status(page, "Live").waitFor();
  return path(page);
}

/** What is behind “Visit”, in a tab of its own, as its visitors see it. */
export async function visit(page, { name }, { context }) {
  await openProject(page, name);
  const [tab] = await Promise.all([
    context.waitForEvent("page"),
    page.getByRole("link", { name: "Visit" }).click(),
  ]);
  await tab.waitForLoadState();
  const text = await tab.locator("body").innerText();
  await tab.close();
  return text;
}

export async function sleep(page, { name }) {
  await openProject(page, name);
  await page.getByRole("button", { name: "Sleep", exact: true }).click();
  await status(page, "Armed").waitFor();
  await page.getByText("RAM saved").waitFor();
}

/** The page that is open says by itself that the app is awake, and how long the visitor waited. */
export async function isAwake(page) {
  await status(page, "Live").waitFor();
  await page.getByText("How long visitors waited").waitFor();
}

/** A variable is added, saved, and in force after the restart that the page offers. */
export async function addVariable(page, { name, key, value }) {
  await openTab(page, name, "Environment");
  await page.getByRole("textbox", { name: "Name" }).fill(key);
  await page.getByLabel("Value", { exact: true }).fill(value);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("list", { name: "Variables" }).getByText(key).waitFor();
  await page.getByRole("button", { name: "Save 1 change" }).click();
  await page.getByText("The app still runs with the variables it was started with").waitFor();
  await page.getByRole("main").getByRole("tabpanel").getByRole("button", { name: "Restart" }).click();
  await page.waitForURL(/\/deployments\//);
  await status(page, "Live").waitFor();
  return path(page);
}

export async function openLogs(page, { name }) {
  await openTab(page, name, "Logs");
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
}

/** A line comes into the log that is open, and is found again by a search and by who cannot see the screen. */
export async function logHas(page, { line }) {
  await page.locator(".xterm-rows").getByText(line).first().waitFor();
  await page.getByRole("searchbox", { name: "Search the lines" }).fill(line);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("listitem").filter({ hasText: line }).first().waitFor();
  await page.getByRole("searchbox", { name: "Search the lines" }).fill("");
}

const domainRow = (page, domain) =>
  page.getByRole("list", { name: "Domains" }).getByRole("listitem").filter({ hasText: domain }).first();

/** Adds a domain that does not point here yet. Returns the record that the page wants: name and value. */
export async function addDomain(page, { name, domain }) {
  await openTab(page, name, "Domains");
  await page.getByRole("button", { name: "Add domain" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a domain" });
  await dialog.getByRole("textbox", { name: "Domain" }).fill(domain);
  await dialog.getByRole("button", { name: "Add domain" }).click();
  await dialog.waitFor({ state: "detached" });
  const row = domainRow(page, domain);
  await row.getByText("Set this record").waitFor();
  return row.locator("code").allInnerTexts();
}

/** Now that it points here: looked at again, and followed until its certificate is there. */
export async function domainIsValid(page, { domain }) {
  const row = domainRow(page, domain);
  await row.getByRole("button", { name: "Check now" }).click();
  await row.getByText("Valid until").waitFor();
}

const branch = (page) => page.getByRole("textbox", { name: "Branch" });

/** Gives it another name. What was half-typed in the page is there afterwards. */
export async function rename(page, { name, to }) {
  await openTab(page, name, "Environment");
  await page.getByRole("textbox", { name: "Name" }).fill("HALF");
  await page.getByLabel("Value", { exact: true }).fill("typed");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await openTab(page, name, "Settings");
  await branch(page).fill("half-typed");
  await page.getByRole("button", { name: "Rename" }).click();
  const dialog = page.getByRole("alertdialog", { name: `Rename ${name}` });
  const sure = dialog.getByRole("button", { name: "Rename", exact: true });
  if (await sure.isEnabled()) throw new Error("it may get the name that it has");
  await dialog.getByRole("textbox", { name: "New name" }).fill(to);
  await dialog.getByText(`Its address is ${to}.`).waitFor();
  await sure.click();
  await isCalled(page, { name: to });
  await openTab(page, to, "Environment");
  await page.getByRole("list", { name: "Variables" }).getByText("HALF").waitFor();
  await page.getByRole("button", { name: "Discard" }).click();
  await openTab(page, to, "Settings");
}

/** The open page goes on under the name, with its tab and what was half-typed. */
export async function isCalled(page, { name }) {
  await page.waitForURL(`**/projects/${name}?tab=settings`);
  await heading(page, name);
  const typed = await branch(page).inputValue();
  if (typed !== "half-typed") throw new Error(`the branch that was typed is ${typed}`);
}

/** A link with a name that it had. */
export async function openByOldName(page, { old, name, deployment }, { expect }) {
  await page.getByRole("button", { name: "Discard" }).click();
  expect(new RegExp(`status of 404 .* /api/projects/${old}$`));
  await page.goto(`/projects/${old}/deployments/${deployment}`);
  await page.waitForURL(`**/projects/${name}/deployments/${deployment}`);
  // Its log was written under that name, too.
  await page.getByRole("log", { name: "Lines of the build" }).getByLabel("Line 1", { exact: true }).waitFor();
  await page.getByRole("navigation", { name: "Where this is" }).getByRole("link", { name }).waitFor();
}

/** Deletes it for good; ends on the list, which has it no more. */
export async function deleteProject(page, { name }) {
  await openTab(page, name, "Danger");
  await page.getByRole("button", { name: "Delete the project" }).click();
  const dialog = page.getByRole("alertdialog", { name: `Delete ${name}?` });
  const sure = dialog.getByRole("button", { name: "Delete", exact: true });
  if (await sure.isEnabled()) throw new Error("it may be deleted before its name was typed");
  await dialog.getByRole("textbox").fill(name);
  await sure.click();
  await heading(page, "Projects");
  await page.getByText("No project yet").waitFor();
}

async function openProject(page, name) {
  if (path(page) !== `/projects/${name}`) await page.goto(`/projects/${name}`);
  await heading(page, name);
}

async function openTab(page, name, tab) {
  await openProject(page, name);
  await page.getByRole("tab", { name: tab }).click();
  await page.getByRole("tabpanel", { name: tab }).waitFor();
}
