// SPDX-License-Identifier: AGPL-3.0-or-later
import { expect, it } from "vitest";
import { pictureType, toDataUrl } from "./picture";

const text = (words: string) => new TextEncoder().encode(words);
const png = (length: number) => {
  const bytes = new Uint8Array(length);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return bytes;
};

it("knows the three kinds by their first bytes", () => {
  expect(pictureType(png(8))).toBe("image/png");
  expect(pictureType(new Uint8Array([0xff, 0xd8, 0xff, 0xe0]))).toBe("image/jpeg");
  expect(pictureType(text("RIFF....WEBPVP8 "))).toBe("image/webp");
  expect(pictureType(text("RIFF....WAVE"))).toBeNull();
  expect(pictureType(text("<svg/>"))).toBeNull();
  expect(pictureType(png(9).subarray(0, 7))).toBeNull();
});

it("makes a data: URL of it, up to the limit", () => {
  expect(toDataUrl(png(9))).toBe("data:image/png;base64,iVBORw0KGgoA");
  expect(toDataUrl(png(64 << 10)).length).toBeGreaterThan(87_000);
  expect(() => toDataUrl(png((64 << 10) + 1))).toThrow("64 KiB");
  expect(() => toDataUrl(text("GIF89a"))).toThrow("no PNG");
});
