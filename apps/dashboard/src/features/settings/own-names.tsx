// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useQuery } from "@tanstack/react-query";
import { Card, CardBody, CardFooter, CardHeader, CardTitle } from "@/components/ui/card";
import { CliHint } from "@/components/ui/cli-hint";
import { Status } from "@/components/ui/status";
import { CertificateLine, CertificateProblem } from "@/features/domains/certificate-line";
import { Records } from "@/features/domains/records";
import { refetchEvery, statusOfDomain } from "@/features/domains/states";
import { ownNames } from "@/lib/queries";
import { Loaded } from "./loaded";

const WHAT = { wildcard: "Every app at its name below the base domain", dashboard: "This dashboard" };

/** Certificates of the server's own names. They are set in its configuration file, so there is nothing to do here but to see how they are. */
export function OwnNames() {
  const query = useQuery({
    ...ownNames(),
    refetchInterval: ({ state }) => refetchEvery(state.data ?? []),
  });
  return (
    <Loaded query={query} what="The names of this server">
      {(names) => (
        <Card>
          <CardHeader>
            <CardTitle>Names of this server</CardTitle>
          </CardHeader>
          {names.length === 0 ? (
            <CardBody className="text-sm text-muted-foreground">
              None yet. With <code className="font-mono text-xs text-foreground">dashboard.domain</code> in
              the configuration this dashboard gets a name with a certificate, and with{" "}
              <code className="font-mono text-xs text-foreground">acme.hook</code> every app has https below
              the base domain.
            </CardBody>
          ) : (
            <ul className="divide-y">
              {names.map((name) => (
                <li key={name.name} className="grid gap-3 px-5 py-4 text-sm">
                  <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
                    <div className="grid min-w-0 gap-1">
                      <span className="font-medium break-all">{name.name}</span>
                      <span className="text-muted-foreground">
                        {name.name.startsWith("*.") ? WHAT.wildcard : WHAT.dashboard}
                      </span>
                      <CertificateLine domain={name} />
                    </div>
                    <Status value={statusOfDomain(name)} />
                  </div>
                  <CertificateProblem domain={name} />
                  <Records domain={name} />
                </li>
              ))}
            </ul>
          )}
          <CardFooter>
            <CliHint command="nanoscale domains list" />
          </CardFooter>
        </Card>
      )}
    </Loaded>
  );
}
