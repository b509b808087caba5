// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { qrCode } from "./qr";

const URI = "otpauth://totp/NanoScale:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=NanoScale";

// Compared with another encoder's, module by module, for the same mask.
it("draws version 1 as others do", () => {
  expect(qrCode("NanoScale")).toEqual([
    "111111101001001111111",
    "100000101101101000001",
    "101110100110001011101",
    "101110101011101011101",
    "101110100011001011101",
    "100000100011101000001",
    "111111101010101111111",
    "000000001001100000000",
    "101101110001101001011",
    "110110011001111110101",
    "000010110001001100011",
    "000010000011000111011",
    "011101111100101100011",
    "000000001001011010101",
    "111111101001100110100",
    "100000101010000011110",
    "101110100100101001100",
    "101110101101001001110",
    "101110101100101001000",
    "100000100010010110001",
    "111111101000010011000",
  ]);
});

// The same, as the beginning of a SHA-256: one block, two blocks, several of two lengths, version and longer length field.
it.each([
  [84, 41, /^ce60a234728a6ed0/],
  [152, 49, /^37727d814f26bac9/],
  [251, 61, /^fc3e8d6eb24a7a73/],
  [412, 77, /^0076a675404c181b/],
])("draws %i bytes in %i modules", (bytes, modules, hash) => {
  const rows = qrCode(URI.padEnd(bytes, "x")) ?? [];
  expect(rows).toHaveLength(modules);
  expect(createHash("sha256").update(rows.join("\n")).digest("hex")).toMatch(hash);
});

it("has no code for what is too long", () => {
  expect(qrCode("x".repeat(412))).toHaveLength(77);
  expect(qrCode("x".repeat(413))).toBeNull();
  expect(qrCode("ü".repeat(207))).toBeNull();
});
