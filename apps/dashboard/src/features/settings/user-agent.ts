// SPDX-License-Identifier: AGPL-3.0-or-later
/** A browser's User-Agent in words: "Firefox on Linux". Each names itself after those that it wants to be taken for. */
const PROGRAMS: [RegExp, string][] = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(Chrome|CriOS|Chromium)\//, "Chrome"],
  [/\bVersion\/[\d.]+.*\bSafari\//, "Safari"],
  [/^curl\//, "curl"],
];
const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

const find = (list: [RegExp, string][], text: string) => list.find(([sign]) => sign.test(text))?.[1];

export const isHandheld = (agent: string) => /\b(iPhone|iPad|Android)\b/.test(agent);

export function agentWords(agent: string): string {
  const program = find(PROGRAMS, agent);
  const system = find(SYSTEMS, agent);
  if (program && system) return `${program} on ${system}`;
  return program ?? (system ? `A browser on ${system}` : "An unknown program");
}
