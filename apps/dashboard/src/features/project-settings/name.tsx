// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project } from "@nanoscale/contracts";
import { PencilIcon } from "lucide-react";
import dynamic from "next/dynamic";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { isMoving } from "../projects/choose";

const RenameDialog = dynamic(() => import("./rename-dialog").then((m) => m.RenameDialog), { ssr: false });

/** What it is called, and the way to another name. */
export function NameCard({ project }: { project: Project }) {
  const [open, setOpen] = useState(false);
  const hindrance =
    project.status === "unreachable"
      ? `To rename it, ${project.server} has to be reachable.`
      : isMoving(project)
        ? "It moves. When its old place is removed, it can be renamed."
        : null;
  return (
    <Card>
      <CardHeader>
        <CardTitle>Name</CardTitle>
        <span className="text-sm text-muted-foreground">{project.name}</span>
      </CardHeader>
      <CardBody className="grid gap-4 text-sm">
        <p className="text-muted-foreground">
          {hindrance ?? "The first part of its address: another name is another address."}
        </p>
        <Button
          variant="secondary"
          className="w-fit"
          disabled={hindrance !== null}
          onClick={() => setOpen(true)}
        >
          <PencilIcon aria-hidden /> Rename
        </Button>
        {open ? <RenameDialog project={project} onClose={() => setOpen(false)} /> : null}
      </CardBody>
    </Card>
  );
}
