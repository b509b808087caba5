// SPDX-License-Identifier: AGPL-3.0-or-later
// The browser's side of tests/system/test_dashboard.py. A line of JSON comes in for each step, {"step","arguments"}, and one goes out:
// {"ok":true,"value"} or {"ok":false,"error","picture"}. What the pages did wrong meanwhile makes a step fail that went well otherwise.
//
//     node serve.mjs '{"base":"https://…","names":"MAP … …","pictures":"directory for those of failed steps"}'
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { open } from "./browser.mjs";
import * as account from "./steps/account.mjs";
import * as load from "./steps/load.mjs";
import * as looks from "./steps/looks.mjs";
import * as projects from "./steps/projects.mjs";
import * as servers from "./steps/servers.mjs";

const STEPS = { ...account, ...servers, ...projects, ...looks, ...load };
const options = JSON.parse(process.argv[2]);
mkdirSync(options.pictures, { recursive: true });
const browser = await open(options);
let count = 0;

async function run({ step, arguments: given = {} }) {
  count += 1;
  try {
    if (!(step in STEPS)) throw new Error(`there is no step ${step}`);
    const value = await STEPS[step](browser.page, given, browser);
    const wrong = [...browser.problems(), ...(await browser.violations())];
    if (wrong.length > 0) throw new Error(`the pages complained:\n${wrong.join("\n")}`);
    return { ok: true, value: value ?? null };
  } catch (error) {
    const picture = join(options.pictures, `${String(count).padStart(3, "0")}-${step}.png`);
    const taken = await browser.page.screenshot({ path: picture, timeout: 30_000 }).then(
      () => picture,
      (reason) => `none: ${reason.message}`,
    );
    const also = browser.problems();
    const text = [error.message, `at ${browser.page.url()}`, ...also].join("\n");
    return { ok: false, error: text, picture: taken };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
}
await browser.close();
