// SPDX-License-Identifier: AGPL-3.0-or-later
/** One line of the palette. */
export type Entry = { id: string; label: string; words?: string };

/** Every word that was typed has to be in it; those whose label begins with it come first, and the order stays otherwise. */
export function match<E extends Entry>(entries: readonly E[], query: string, most: number): E[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const first = words[0];
  if (first === undefined) return entries.slice(0, most);
  const found: { entry: E; rank: number }[] = [];
  for (const entry of entries) {
    const label = entry.label.toLowerCase();
    const text = `${label} ${entry.words?.toLowerCase() ?? ""}`;
    if (!words.every((word) => text.includes(word))) continue;
    const rank = label.startsWith(words.join(" "))
      ? 0
      : label.split(/[\s-]/).some((part) => part.startsWith(first))
        ? 1
        : 2;
    found.push({ entry, rank });
  }
  return found
    .sort((a, b) => a.rank - b.rank)
    .slice(0, most)
    .map(({ entry }) => entry);
}
