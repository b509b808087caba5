// SPDX-License-Identifier: AGPL-3.0-or-later
/** XXXX-XXXX-XXXX, however it was typed or pasted: in lower case, with blanks, without dashes. */
export const claimCode = (typed: string) =>
  (
    typed
      .toUpperCase()
      .replace(/[^A-Z0-9]/g, "")
      .slice(0, 12)
      .match(/.{1,4}/g) ?? []
  ).join("-");

export const isClaimCode = (code: string) => /^[A-Z0-9]{4}(-[A-Z0-9]{4}){2}$/.test(code);
