// SPDX-License-Identifier: AGPL-3.0-or-later
import type { LogLine } from "@nanoscale/contracts";
import { colours, plain } from "@/lib/ansi";

export type LogView = { filter: string; since: Since; times: boolean };
export const SINCE = [
  { value: "all", label: "Any time", ms: null },
  { value: "15m", label: "15 minutes", ms: 900_000 },
  { value: "1h", label: "One hour", ms: 3_600_000 },
  { value: "24h", label: "One day", ms: 86_400_000 },
] as const;
export type Since = (typeof SINCE)[number]["value"];
export const isSince = (text: string): text is Since => SINCE.some((s) => s.value === text);

/** The moment before which lines are not shown. */
export const earliest = (since: Since, now: number) => {
  const span = SINCE.find((s) => s.value === since)?.ms;
  return span ? now - span : 0;
};

const two = (n: number) => (n < 10 ? `0${n}` : String(n));
function clock(at: string): string {
  const t = new Date(at);
  return `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
}

const DIM = "\u001b[90m";
const PLAIN = "\u001b[0m";
const MARK = "\u001b[30;103m";

function marked(text: string, wanted: string): string {
  const lower = text.toLowerCase();
  if (lower.length !== text.length) return text;
  let out = "";
  let at = 0;
  for (let i = lower.indexOf(wanted); i >= 0; i = lower.indexOf(wanted, at)) {
    out += `${text.slice(at, i)}${MARK}${text.slice(i, i + wanted.length)}${PLAIN}`;
    at = i + wanted.length;
  }
  return out + text.slice(at);
}

/** The lines that are asked for, as a terminal takes them. */
export function forTerminal(
  lines: readonly LogLine[],
  view: LogView,
  from: number,
): { text: string; count: number } {
  const wanted = view.filter.trim().toLowerCase();
  let text = "";
  let count = 0;
  for (const { at, line, slot } of lines) {
    if (from > 0 && Date.parse(at) < from) continue;
    let shown: string;
    if (wanted === "") shown = colours(line);
    else {
      const bare = plain(line);
      if (!bare.toLowerCase().includes(wanted)) continue;
      shown = marked(bare, wanted);
    }
    text += `${view.times ? `${DIM}${clock(at)} ${slot}${PLAIN} ` : ""}${shown}${PLAIN}\r\n`;
    count++;
  }
  return { text, count };
}

export const forFile = (lines: readonly LogLine[]) =>
  lines.map(({ at, slot, line }) => `${at} ${slot} ${plain(line)}\n`);
