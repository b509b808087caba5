// SPDX-License-Identifier: AGPL-3.0-or-later
import { plain } from "@/lib/ansi";
import { appendLines, type Chunk } from "./build-log-store";

const WORDS =
  /\b(?:(?<!\b0 )errors?|failed|failure|fatal|exception|panic|killed|denied|out of memory|not found|cannot|can't|could not|unable to)\b|\berr!|[✗✘⨯]/i;
/** As in ECONNREFUSED and ENOENT. */
const CODE = /\bE[A-Z]{4,}\b/;
export const isError = (line: string) => WORDS.test(line) || CODE.test(line);

/** Lines with the words that are searched, or those that speak of errors; the chunks themselves where nothing is asked. */
export function filterChunks(
  chunks: readonly Chunk[],
  search: string,
  errorsOnly: boolean,
): readonly Chunk[] {
  const wanted = search.trim().toLowerCase();
  if (wanted === "" && !errorsOnly) return chunks;
  const found = chunks.flatMap((chunk) =>
    chunk.lines.filter(({ line }) => {
      const text = plain(line);
      return (!errorsOnly || isError(text)) && (wanted === "" || text.toLowerCase().includes(wanted));
    }),
  );
  return appendLines([], found);
}

/** As the API writes a stored log. */
export const asText = (chunks: readonly Chunk[]) =>
  chunks.flatMap((chunk) =>
    chunk.lines.map(({ at, step, line }) => `${at} ${step.padEnd(7)} ${plain(line)}\n`),
  );

/** A text cut at what is searched: every second part is a find. */
export function cut(text: string, search: string): string[] {
  const wanted = search.trim().toLowerCase();
  if (wanted === "") return [text];
  const lower = text.toLowerCase();
  // Where lower case has another length, places in the two texts do not fit.
  if (lower.length !== text.length) return [text];
  const parts: string[] = [];
  let at = 0;
  for (let i = lower.indexOf(wanted); i >= 0; i = lower.indexOf(wanted, at)) {
    parts.push(text.slice(at, i), text.slice(i, i + wanted.length));
    at = i + wanted.length;
  }
  parts.push(text.slice(at));
  return parts;
}
