// SPDX-License-Identifier: AGPL-3.0-or-later
import { expect, it } from "vitest";
import { agentWords, isHandheld } from "./user-agent";

const WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)";
const CASES: [string, string][] = [
  [`Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36`, "Chrome on Linux"],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`,
    "Edge on Windows",
  ],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
    "Safari on macOS",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
    "Safari on iPhone",
  ],
  [`Mozilla/5.0 (Linux; Android 15) ${WEBKIT} Chrome/140.0.0.0 Mobile Safari/537.36`, "Chrome on Android"],
  ["curl/8.5.0", "curl"],
  ["Something (Linux)", "A browser on Linux"],
  ["", "An unknown program"],
];

it.each(CASES)("%s", (agent, words) => {
  expect(agentWords(agent)).toBe(words);
});

it("tells what is held in a hand", () => {
  expect(CASES.filter(([agent]) => isHandheld(agent)).map(([, words]) => words)).toEqual([
    "Safari on iPhone",
    "Chrome on Android",
  ]);
});
