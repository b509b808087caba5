// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Domain, Project } from "@nanoscale/contracts";
import { CornerDownRightIcon, ExternalLinkIcon } from "lucide-react";
import { Badge } from "@/components/ui/badge";
import { Status } from "@/components/ui/status";
import { DomainActions } from "./actions";
import { CertificateLine, CertificateProblem } from "./certificate-line";
import { Records } from "./records";
import { statusOfDomain } from "./states";

/** A certificate that has ended is one that browsers warn of: http is what may still work. */
const address = ({ name, state }: Domain) => `${state === "valid" ? "https" : "http"}://${name}`;

export function DomainRow({ project, domain }: { project: Project; domain: Domain }) {
  return (
    <li className="grid gap-3 px-5 py-4 text-sm">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="grid min-w-0 flex-1 basis-64 gap-1">
          <div className="flex min-h-8 flex-wrap items-center gap-x-2.5 gap-y-1">
            <a
              href={address(domain)}
              target="_blank"
              rel="noreferrer"
              className="inline-flex min-w-0 items-center gap-1.5 font-medium underline-offset-4 hover:underline"
            >
              <span className="min-w-0 break-all">{domain.name}</span>
              <ExternalLinkIcon aria-hidden className="size-3.5 shrink-0 text-muted-foreground" />
              <span className="sr-only">(opens in a new tab)</span>
            </a>
            {domain.primary ? <Badge tone="primary">Primary</Badge> : null}
            {domain.source === "own" ? <Badge>Own certificate</Badge> : null}
            {domain.hsts ? <Badge>HSTS</Badge> : null}
          </div>
          {domain.redirect_to ? (
            <p className="flex min-w-0 items-center gap-1.5 text-muted-foreground">
              <CornerDownRightIcon aria-hidden className="size-3.5 shrink-0" />
              <span className="min-w-0 break-all">sends visitors on to {domain.redirect_to}</span>
            </p>
          ) : null}
          <CertificateLine domain={domain} />
        </div>
        <div className="flex min-h-8 items-center justify-between gap-4 max-sm:w-full">
          <Status value={statusOfDomain(domain)} />
          <DomainActions project={project} domain={domain} />
        </div>
      </div>
      <CertificateProblem domain={domain} />
      <Records domain={domain} />
    </li>
  );
}
