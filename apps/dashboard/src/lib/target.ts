// SPDX-License-Identifier: AGPL-3.0-or-later
/** Where to go after sign-in: only within this site, whatever the address bar was made to say. */
export function safeTarget(to: string | null): string {
  if (!to?.startsWith("/")) return "/";
  let url: URL;
  try {
    url = new URL(to, "https://here.invalid");
  } catch {
    return "/";
  }
  // "//other.example" and "/\other.example" are other hosts to a browser.
  if (url.host !== "here.invalid" || url.pathname.startsWith("//")) return "/";
  return /^\/(login|setup)(\/|$)/.test(url.pathname) ? "/" : url.pathname + url.search + url.hash;
}

export const loginAddress = (from: string) =>
  from === "/" ? "/login" : `/login?to=${encodeURIComponent(from)}`;
