// SPDX-License-Identifier: AGPL-3.0-or-later
/** What a domain waits for, in parts: the API says it as one sentence (dns_judge of the agent). */
import type { Domain } from "@nanoscale/contracts";

export type DnsRecord = { type: "A" | "AAAA"; value: string };
export type DnsAdvice = {
  /** One of them is enough. Empty where the server does not know its own address. */
  set: DnsRecord[];
  /** It also points here, and this one is in the way. */
  remove: DnsRecord | null;
  /** Where it points, and nothing of it is here. */
  seen: string | null;
};

const WANTED = /\b(A|AAAA) ([0-9a-f:]+(?:\.[0-9]+){0,3})(?=[ .])/g;
const SEEN = / (also )?points to (\S+), wanted is /;

const recordOf = (address: string): DnsRecord => ({
  type: address.includes(":") ? "AAAA" : "A",
  value: address,
});

/** null: the DNS is not what it waits for. */
export function dnsAdvice({ problem }: Pick<Domain, "problem">): DnsAdvice | null {
  if (problem?.type !== "dns") return null;
  const wanted = [...problem.sentence.matchAll(WANTED)].map(([, , address = ""]) => recordOf(address));
  const [, also, address] = SEEN.exec(problem.sentence) ?? [];
  return {
    set: also ? [] : wanted,
    remove: also && address ? recordOf(address) : null,
    seen: !also && address ? address : null,
  };
}

/** What somebody types or pastes, as the API takes it: https://Bücher.example/shop → xn--bcher-kva.example */
export function hostName(typed: string): string {
  const text = typed.trim().replace(/\.$/, "");
  if (text === "") return "";
  try {
    return new URL(text.includes("://") ? text : `http://${text}`).hostname;
  } catch {
    return text;
  }
}
