// SPDX-License-Identifier: AGPL-3.0-or-later
import { describe, expect, it } from "vitest";
import { dnsAdvice, hostName } from "./dns";

const advice = (sentence: string) => dnsAdvice({ problem: { type: "dns", sentence } });

describe("what a domain waits for", () => {
  it("is a record where there is none", () => {
    expect(advice("a.example has no address yet; set A 203.0.113.7 in its DNS.")).toEqual({
      set: [{ type: "A", value: "203.0.113.7" }],
      remove: null,
      seen: null,
    });
    expect(
      advice("a.example has no address yet; set A 203.0.113.7 or AAAA 2001:db8::7 in its DNS.")?.set,
    ).toEqual([
      { type: "A", value: "203.0.113.7" },
      { type: "AAAA", value: "2001:db8::7" },
    ]);
  });
  it("is another record where it points elsewhere", () => {
    expect(advice("a.example points to 198.51.100.2, wanted is A 203.0.113.7.")).toEqual({
      set: [{ type: "A", value: "203.0.113.7" }],
      remove: null,
      seen: "198.51.100.2",
    });
    expect(advice("a.example points to 2001:db8::9, wanted is AAAA 2001:db8::.")).toEqual({
      set: [{ type: "AAAA", value: "2001:db8::" }],
      remove: null,
      seen: "2001:db8::9",
    });
  });
  it("is one record less where it also points elsewhere", () =>
    expect(advice("a.example also points to 2001:db8::9, wanted is A 203.0.113.7.")).toEqual({
      set: [],
      remove: { type: "AAAA", value: "2001:db8::9" },
      seen: null,
    }));
  it("names no record that the server does not know", () =>
    expect(advice("a.example has no address yet; set an A record to this server.")?.set).toEqual([]));
  it("is not the DNS where something else is wrong", () => {
    expect(dnsAdvice({ problem: null })).toBeNull();
    expect(dnsAdvice({ problem: { type: "disk", sentence: "The disk is full." } })).toBeNull();
  });
});

it("takes the host name out of what is pasted", () => {
  expect(hostName(" Shop.Example.com. ")).toBe("shop.example.com");
  expect(hostName("https://shop.example.com:8443/cart?a=1")).toBe("shop.example.com");
  expect(hostName("bücher.example")).toBe("xn--bcher-kva.example");
  expect(hostName("")).toBe("");
  expect(hostName("not a name")).toBe("not a name");
});
