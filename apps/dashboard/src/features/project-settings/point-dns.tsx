// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Project, Server } from "@nanoscale/contracts";
import { CopyButton } from "@/components/ui/copy-button";
import { count } from "@/lib/format";

const NAMED_MOST = 3;

function namesOf(project: Project): string {
  const names = project.domains.map((d) => d.name);
  if (names.length === 0) return project.host;
  return names.length > NAMED_MOST ? `its ${count(names.length, "domain")}` : names.join(", ");
}

/** “point shop.example.com to 10.0.0.2”, the address to be copied: nobody but the owner of the names can do that. */
export function PointDns({ project, server }: { project: Project; server: Server }) {
  return (
    <>
      point {namesOf(project)} to{" "}
      <span className="whitespace-nowrap text-foreground">
        <span className="font-mono">{server.ip_address}</span>
        <CopyButton value={server.ip_address} label={`Copy the address of ${server.name}`} />
      </span>
    </>
  );
}
