// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Project, Server } from "@nanoscale/contracts";
import { expect, it } from "vitest";
import { troubles } from "./summary";

const server = (...sentences: string[]) =>
  ({
    id: "s",
    name: "fra1",
    status: "online",
    warnings: sentences.map((sentence) => ({ type: "domain-certificate-expires", sentence })),
  }) as unknown as Server;
const project = (name: string, domains: object[]) =>
  ({ id: name, name, status: "live", crash: null, site_problem: null, domains }) as unknown as Project;
const ends = (name: string, problem: string | null) => ({
  name,
  state: "valid",
  ends_soon: true,
  problem: problem && { type: "dns", sentence: problem },
});

it("tells of a certificate that ends once, where more is known", () => {
  const warning = "The certificate of www.example.com ends on 2026-03-01.";
  const listed = troubles(
    [project("shop", [ends("www.example.com", "It points elsewhere.")])],
    [server(warning)],
  );
  expect(listed.map((t) => [t.name, t.sentence])).toEqual([["www.example.com", "It points elsewhere."]]);
});

it("keeps a server's warning of what no project's page tells", () => {
  const own = "The certificate of panel.example.com ends on 2026-03-01.";
  const quiet = "The certificate of www.example.com ends on 2026-03-01.";
  const listed = troubles([project("shop", [ends("www.example.com", null)])], [server(own, quiet)]);
  expect(listed.map((t) => t.sentence)).toEqual([own, quiet]);
});
