// SPDX-License-Identifier: AGPL-3.0-or-later
/** Colours in what programs write. All other control sequences are dropped, and \r begins the line anew, as on a terminal. */

export type Colour = "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "dim";
export type Span = { text: string; colour?: Colour; bold?: boolean };

// CSI, OSC and the shorter escape sequences.

const SEQUENCE = /\u001b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;

const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

const CONTROLS_BUT_MARK = /[\u0000\u0002-\u0008\u000b-\u001f\u007f]/g;
const COLOURS: Record<number, Colour> = {
  31: "red",
  32: "green",
  33: "yellow",
  34: "blue",
  35: "magenta",
  36: "cyan",
  90: "dim",
  91: "red",
  92: "green",
  93: "yellow",
  94: "blue",
  95: "magenta",
  96: "cyan",
};

type Style = Pick<Span, "colour" | "bold">;

function restyle(style: Style, parameters: string): Style {
  const codes = parameters === "" ? [0] : parameters.split(/[;:]/).map(Number);
  let next = { ...style };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 2) next.colour = "dim";
    else if (code === 22) next = next.colour === "dim" ? {} : { colour: next.colour };
    else if (code === 39) delete next.colour;
    else if (code === 38 || code === 48) i += codes[i + 1] === 5 ? 2 : 4;
    else if (COLOURS[code]) next.colour = COLOURS[code];
  }
  return next;
}

const afterReturn = (line: string) => {
  const trimmed = line.replace(/\r+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("\r") + 1);
};

export function spans(raw: string): Span[] {
  const line = afterReturn(raw);
  if (!line.includes("\u001b")) return [{ text: line.replace(CONTROLS, "") }];
  const found: Span[] = [];
  let style: Style = {};
  let at = 0;
  const push = (text: string) => {
    const clean = text.replace(CONTROLS, "");
    if (clean !== "") found.push({ text: clean, ...style });
  };
  for (const match of line.matchAll(SEQUENCE)) {
    push(line.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === "m") style = restyle(style, match[1] ?? "");
  }
  push(line.slice(at));
  return found.length > 0 ? found : [{ text: "" }];
}

/** Without colours: what is searched and copied. */
export const plain = (line: string) => afterReturn(line).replace(SEQUENCE, "").replace(CONTROLS, "");

/** A terminal draws "dim" at half its contrast, which cannot be read: grey instead. */
const READABLE: Record<string, string> = { "2": "90", "22": "22;39" };

/** The nearest of the 256 colours: one of 24 bits would be a style attribute, which the page's policy forbids. */
function nearest(red: number, green: number, blue: number): number {
  const level = (value: number) =>
    value < 48 ? 0 : value < 115 ? 1 : Math.min(5, Math.floor((value - 35) / 40));
  return 16 + 36 * level(red) + 6 * level(green) + level(blue);
}

/** "38;5;9", "38;2;255;0;0", and the same with colons. Null: not a whole one. */
function extended([which = "", kind, ...rest]: string[]): string | null {
  const numbers = rest.filter((text) => text !== "").map(Number);
  if (kind === "5" && numbers[0] !== undefined) return `${which};5;${numbers[0]}`;
  const [red, green, blue] = numbers.slice(-3);
  if (kind !== "2" || red === undefined || green === undefined || blue === undefined) return null;
  return `${which};5;${nearest(red, green, blue)}`;
}

const isExtended = (code: string) => code === "38" || code === "48";

function asShown(parameters: string): string {
  const codes = parameters.split(";");
  const shown: string[] = [];
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? "";
    const parts = code.split(":");
    let piece: string | null;
    if (isExtended(code)) {
      const length = codes[i + 1] === "5" ? 3 : 5;
      piece = extended(codes.slice(i, i + length));
      i += length - 1;
    } else if (code === "4:0") piece = "24";
    else if (parts.length > 1) piece = isExtended(parts[0] ?? "") ? extended(parts) : (parts[0] ?? "");
    else piece = READABLE[code] ?? code;
    if (piece !== null) shown.push(piece);
  }
  // Not an empty list, which would be a reset.
  return shown.length > 0 ? `\u0001[${shown.join(";")}m` : "";
}

/** With its colours, and without anything that would move a terminal's cursor or change its title. */
export const colours = (line: string) =>
  afterReturn(line)
    // The mark that keeps a colour through the cleaning is no text of theirs.
    .replaceAll("\u0001", "")
    .replace(SEQUENCE, (_, parameters: string | undefined, final: string | undefined) =>
      final === "m" ? asShown(parameters ?? "") : "",
    )
    .replace(CONTROLS_BUT_MARK, "")
    .replaceAll("\u0001", "\u001b");
