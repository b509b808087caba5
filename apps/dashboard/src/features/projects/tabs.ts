// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Project } from "@nanoscale/contracts";

/** The tabs of a project, in the address as ?tab=. */
export const TABS = [
  { value: "overview", label: "Overview" },
  { value: "deployments", label: "Deployments" },
  { value: "logs", label: "Logs" },
  { value: "environment", label: "Environment" },
  { value: "domains", label: "Domains" },
  { value: "settings", label: "Settings" },
  { value: "danger", label: "Danger" },
] as const;
export type Tab = (typeof TABS)[number]["value"];

export const isTab = (text: string | null): text is Tab => TABS.some((tab) => tab.value === text);

/** What the tab does, on the command line. */
export function tabCommands(tab: Tab, { name, domains }: Pick<Project, "name" | "domains">): string[] {
  switch (tab) {
    case "overview":
      return [
        `nanoscale projects show ${name}`,
        `nanoscale deploy ${name}`,
        `nanoscale rollback ${name}`,
        `nanoscale restart ${name}`,
        `nanoscale sleep ${name}`,
        `nanoscale wake ${name}`,
        `nanoscale projects stats ${name}`,
      ];
    case "deployments":
      return [
        `nanoscale deployments list ${name}`,
        `nanoscale releases ${name}`,
        `nanoscale rollback ${name}`,
      ];
    case "logs":
      return [`nanoscale logs ${name} -f`];
    case "environment":
      return [`nanoscale env list ${name}`, `nanoscale env set ${name} --file .env --restart`];
    case "domains": {
      const domain = domains[0]?.name ?? "www.example.com";
      return [
        `nanoscale domains list ${name}`,
        `nanoscale domains add ${name} www.example.com`,
        `nanoscale domains set ${domain} --primary`,
        `nanoscale domains check ${domain}`,
        `nanoscale domains certificate ${domain} --chain fullchain.pem --key privkey.pem`,
        `nanoscale domains remove ${domain}`,
      ];
    }
    case "settings":
      return [
        `nanoscale projects set ${name} --memory 512 --restart`,
        `nanoscale projects protect ${name} --maintenance on`,
        `nanoscale projects rename ${name} NEW-NAME`,
        `nanoscale projects move ${name} SERVER`,
      ];
    case "danger":
      return [`nanoscale projects delete ${name}`];
  }
}
