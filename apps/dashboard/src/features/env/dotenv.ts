// SPDX-License-Identifier: AGPL-3.0-or-later
/** Text of a .env file, as it is pasted. The rules for names and values are the agent's (agent/src/security/validate.h). */

export type Pair = { key: string; value: string };
export type DotEnv = { pairs: Pair[]; problems: string[] };

const MOST_BYTES = 32 * 1024;
const RESERVED = /^(PORT|HOME|PATH|LISTEN_.*|LD_.*|NANOSCALE_.*)$/;
// What the agent refuses in a value: control characters but tab and newline.

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;

export function keyProblem(key: string): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(key))
    return "Letters, digits and underscores; does not start with a digit";
  return RESERVED.test(key) ? `${key} is set by NanoScale` : null;
}
export function valueProblem(value: string): string | null {
  if (new TextEncoder().encode(value).length > MOST_BYTES) return "At most 32 KiB";
  return CONTROL.test(value) ? "No control characters" : null;
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$" };

/** A quoted value from after its opening quote: it may go over several lines. null when it is not closed. */
function quoted(text: string, from: number, quote: string): { value: string; end: number } | null {
  let value = "";
  for (let i = from; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === quote) return { value, end: i + 1 };
    const escaped = quote === '"' && c === "\\" ? ESCAPES[text.charAt(i + 1)] : undefined;
    value += escaped ?? c;
    if (escaped !== undefined) i++;
  }
  return null;
}

const lineEnd = (text: string, from: number) => {
  const at = text.indexOf("\n", from);
  return at < 0 ? text.length : at;
};

/** KEY=value, export KEY=value, quotes of all three kinds, comments. What is none of it is told by its line; the last of equal names counts. */
export function parseDotEnv(source: string): DotEnv {
  const text = source.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  const found = new Map<string, string>();
  const problems: string[] = [];
  for (let at = 0, line = 1; at < text.length; line++) {
    const end = lineEnd(text, at);
    const words = text.slice(at, end);
    const match = /^\s*(?:export\s+)?([^\s=#]+)\s*=[ \t]*/.exec(words);
    if (!match?.[1]) {
      if (!/^\s*(#|$)/.test(words)) problems.push(`Line ${line} is not KEY=value`);
      at = end + 1;
      continue;
    }
    const key = match[1];
    const start = at + match[0].length;
    const quote = text.charAt(start);
    const string = ['"', "'", "`"].includes(quote) ? quoted(text, start + 1, quote) : null;
    // Unquoted, a comment starts at a # after a space.
    const value =
      string?.value ??
      text
        .slice(start, end)
        .replace(/(^|\s)#.*$/, "")
        .trimEnd();
    const problem = keyProblem(key) ?? valueProblem(value);
    if (problem) problems.push(`Line ${line}: ${key}: ${problem}`);
    else {
      found.delete(key);
      found.set(key, value);
    }
    if (string) line += text.slice(start, string.end).split("\n").length - 1;
    at = lineEnd(text, string?.end ?? end) + 1;
  }
  return { pairs: [...found].map(([key, value]) => ({ key, value })), problems };
}
