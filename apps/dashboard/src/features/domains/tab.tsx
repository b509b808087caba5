// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import { GlobeIcon, PlusIcon } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card, CardFooter, CardHeader, CardTitle } from "@/components/ui/card";
import { Empty } from "@/components/ui/empty";
import { project as projectQuery } from "@/lib/queries";
import { DomainDialog } from "./domain-dialog";
import { DomainRow } from "./row";
import { refetchEvery } from "./states";

/** A project comes with its domains, so there is nothing of its own to load. */
export function DomainsTab({ project }: { project: Project }) {
  const [adding, setAdding] = useState(false);
  const { domains } = project;
  useQuery({
    ...projectQuery(project.name),
    refetchInterval: project.status === "unreachable" ? false : refetchEvery(domains),
  });
  const add = (
    <Button size={domains.length > 0 ? "sm" : "md"} onClick={() => setAdding(true)}>
      <PlusIcon aria-hidden /> Add domain
    </Button>
  );
  return (
    <Card>
      {domains.length === 0 ? (
        <Empty icon={<GlobeIcon aria-hidden />} title="No domains of its own" action={add}>
          It is served at {project.host}. Add a domain, point it here, and it has https by itself.
        </Empty>
      ) : (
        <>
          <CardHeader>
            <CardTitle>
              Domains <span className="font-normal text-muted-foreground tabular-nums">{domains.length}</span>
            </CardTitle>
            {add}
          </CardHeader>
          <ul aria-label="Domains" className="divide-y">
            {domains.map((domain) => (
              <DomainRow key={domain.name} project={project} domain={domain} />
            ))}
          </ul>
          <CardFooter className="text-muted-foreground">
            {domains.some((d) => d.primary)
              ? `It also answers at ${project.host}.`
              : `Its address is ${project.host}. A primary domain takes its place.`}
          </CardFooter>
        </>
      )}
      <DomainDialog project={project} domain={null} open={adding} onClose={() => setAdding(false)} />
    </Card>
  );
}
