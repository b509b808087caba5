// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Domain, Project } from "@nanoscale/contracts";
import {
  EllipsisIcon,
  FileKeyIcon,
  PencilIcon,
  RefreshCwIcon,
  RotateCwIcon,
  StarIcon,
  Trash2Icon,
  Undo2Icon,
} from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { CertificateDialog } from "./certificate-dialog";
import { DomainDialog } from "./domain-dialog";
import { useAnotherCertificate, useChangeNow, useCheck, useRemove } from "./mutations";

/** What can be done with a domain. */
export function DomainActions({ project, domain }: { project: Project; domain: Domain }) {
  const [dialog, setDialog] = useState<"change" | "own" | "another" | "remove" | null>(null);
  const { name } = domain;
  const change = useChangeNow(project, name);
  const check = useCheck(project, name);
  const another = useAnotherCertificate(project, name);
  const remove = useRemove(project, name);
  const away = project.status === "unreachable";
  const close = () => setDialog(null);
  const waits = domain.state === "waiting" || domain.state === "failed" || domain.problem !== null;
  return (
    <div className="flex items-center gap-1">
      {waits && domain.source === "acme" ? (
        <Button
          variant="secondary"
          size="sm"
          busy={check.isPending}
          disabled={away}
          onClick={() => check.mutate()}
          aria-label={`Check now: ${name}`}
        >
          {check.isPending ? null : <RotateCwIcon aria-hidden />} Check now
        </Button>
      ) : null}
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <Button variant="ghost" size="icon-sm" aria-label={`Actions for ${name}`}>
            <EllipsisIcon aria-hidden />
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent>
          {domain.primary || domain.redirect_to !== null ? null : (
            <DropdownMenuItem disabled={change.isPending} onSelect={() => change.mutate({ primary: true })}>
              <StarIcon aria-hidden /> Make it primary
            </DropdownMenuItem>
          )}
          <DropdownMenuItem onSelect={() => setDialog("change")}>
            <PencilIcon aria-hidden /> Redirect and HSTS
          </DropdownMenuItem>
          <DropdownMenuSeparator />
          {domain.source === "own" ? (
            <DropdownMenuItem disabled={change.isPending} onSelect={() => change.mutate({ source: "acme" })}>
              <Undo2Icon aria-hidden /> Back to one that renews itself
            </DropdownMenuItem>
          ) : (
            <DropdownMenuItem disabled={away} onSelect={() => setDialog("another")}>
              <RefreshCwIcon aria-hidden /> Ask for another certificate
            </DropdownMenuItem>
          )}
          <DropdownMenuItem disabled={away} onSelect={() => setDialog("own")}>
            <FileKeyIcon aria-hidden /> Upload your own certificate
          </DropdownMenuItem>
          <DropdownMenuSeparator />
          <DropdownMenuItem tone="danger" onSelect={() => setDialog("remove")}>
            <Trash2Icon aria-hidden /> Remove
          </DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
      <DomainDialog project={project} domain={domain} open={dialog === "change"} onClose={close} />
      <CertificateDialog project={project} domain={name} open={dialog === "own"} onClose={close} />
      <ConfirmDialog
        open={dialog === "another"}
        onOpenChange={close}
        title={`Ask for another certificate for ${name}?`}
        description="Even if the present one is good for long. Authorities count these, and give no more for a week after a few."
        confirmLabel="Ask for it"
        tone="primary"
        onConfirm={() => another.mutateAsync()}
      />
      <ConfirmDialog
        open={dialog === "remove"}
        onOpenChange={close}
        title={`Remove ${name}?`}
        description={`Nobody is served under it any more, and its certificate is deleted${domain.source === "own" ? ": to have it back, you upload it again" : ""}.`}
        confirmLabel="Remove"
        onConfirm={() => remove.mutateAsync()}
      />
    </div>
  );
}
