// SPDX-License-Identifier: AGPL-3.0-or-later
/** Hands a text to the browser as a file. */
export function downloadText(name: string, parts: string[]) {
  const url = URL.createObjectURL(new Blob(parts, { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
