// SPDX-License-Identifier: AGPL-3.0-or-later
/** Pictures as the API takes them (agent/src/security/picture.c): a data: URL of at most 64 KiB, of one of three kinds. */
const MOST_BYTES = 64 << 10;
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG = [0xff, 0xd8, 0xff];
const RIFF = [0x52, 0x49, 0x46, 0x46];
const WEBP = [0x57, 0x45, 0x42, 0x50];

/** By its first bytes: a name says nothing. */
export function pictureType(bytes: Uint8Array): string | null {
  const has = (magic: number[], at = 0) => magic.every((byte, i) => bytes[at + i] === byte);
  if (has(PNG)) return "image/png";
  if (has(JPEG)) return "image/jpeg";
  return has(RIFF) && has(WEBP, 8) ? "image/webp" : null;
}

export function toDataUrl(bytes: Uint8Array): string {
  const type = pictureType(bytes);
  if (type === null) throw new Error("It is no PNG, JPEG or WebP picture.");
  if (bytes.length > MOST_BYTES)
    throw new Error("The picture may have 64 KiB at most. One of 256 by 256 pixels is enough.");
  return `data:${type};base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}
