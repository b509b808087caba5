// SPDX-License-Identifier: AGPL-3.0-or-later
/** What the agent asks of a password (agent/src/security), and how good one is beyond that. A hint: the agent decides. */
export const SHORTEST = 12;
const LONGEST_BYTES = 256;

export type Strength = { level: 0 | 1 | 2 | 3; words: string };

/** Why it will not be taken, or null. */
export function passwordProblem(password: string, user: string): string | null {
  const missing = SHORTEST - [...password].length;
  if (missing > 0) return `At least ${SHORTEST} characters: ${missing} more`;
  if (new TextEncoder().encode(password).length > LONGEST_BYTES) return `At most ${LONGEST_BYTES} bytes`;
  if (user !== "" && password.toLowerCase() === user.toLowerCase()) return "Not the user name";
  return null;
}

/** Length counts, and how many different characters there are; runs like "aaaa" and "1234" count once. */
export function strength(password: string): Strength {
  const characters = [...password];
  let fresh = 0;
  characters.forEach((c, i) => {
    const before = characters[i - 1];
    const step = before === undefined ? NaN : (c.codePointAt(0) ?? 0) - (before.codePointAt(0) ?? 0);
    if (!(Math.abs(step) <= 1)) fresh++;
  });
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(password)).length;
  const score = Math.min(fresh, new Set(characters).size * 2) + (kinds - 1) * 2;
  if (characters.length < SHORTEST) return { level: 0, words: "Too short" };
  if (score < 12) return { level: 1, words: "Easy to guess" };
  return score < 18 ? { level: 2, words: "Good" } : { level: 3, words: "Strong" };
}
