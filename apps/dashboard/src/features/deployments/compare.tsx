// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Deployment, Project, StepName } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import { ExternalLinkIcon } from "lucide-react";
import Link from "next/link";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { statusWord } from "@/components/ui/status";
import { cn } from "@/lib/cn";
import { shortCommit } from "@/lib/format";
import { deployment as deploymentQuery } from "@/lib/queries";
import { duration, exactTime } from "@/lib/time";
import { deploymentHref } from "./row";
import { KIND_WORDS, STEP_WORDS } from "./states";

const STEPS: readonly StepName[] = ["fetch", "install", "build", "release", "start", "check"];

/** Where the repository's host shows what lies between two commits. */
export function compareUrl(repository: string, a: string | null, b: string | null): string | null {
  if (!a || !b || a === b) return null;
  const base = repository.replace(/\.git$/, "");
  const { host } = new URL(base);
  if (host === "github.com") return `${base}/compare/${a}...${b}`;
  if (host === "gitlab.com") return `${base}/-/compare/${a}...${b}`;
  return host === "codeberg.org" ? `${base}/compare/${a}...${b}` : null;
}

function took(d: Deployment, name: StepName): string {
  const step = d.steps?.find((s) => s.name === name);
  if (!step) return "–";
  if (step.result === "skipped") return "skipped";
  return step.duration_ms === null
    ? "under way"
    : `${duration(step.duration_ms)}${step.result === "failed" ? ", failed" : ""}`;
}

function rows(a: Deployment, b: Deployment): [string, string, string][] {
  const both = (of: (d: Deployment) => string): [string, string] => [of(a), of(b)];
  const steps = STEPS.filter((name) => [a, b].some((d) => d.steps?.some((s) => s.name === name)));
  return [
    ["Kind", ...both((d) => KIND_WORDS[d.kind])],
    ["Outcome", ...both((d) => (d.state === "live" ? "Went live" : statusWord(d.state)))],
    ["Branch", ...both((d) => d.branch)],
    ["Commit", ...both((d) => (d.commit ? shortCommit(d.commit) : "–"))],
    ["Subject", ...both((d) => d.subject ?? "–")],
    ["Author", ...both((d) => d.author ?? "–")],
    ["Release", ...both((d) => (d.release === null ? "–" : String(d.release)))],
    ["Begun", ...both((d) => exactTime(Date.parse(d.created_at)))],
    ["Took", ...both((d) => (d.duration_ms === null ? "under way" : duration(d.duration_ms)))],
    ...steps.map((name): [string, string, string] => [STEP_WORDS[name].title, ...both((d) => took(d, name))]),
    ["Failure", ...both((d) => d.failure?.sentence ?? "–")],
  ];
}

export function CompareDialog({
  project,
  a,
  b,
  open,
  onOpenChange,
}: {
  project: Project;
  a: Deployment;
  b: Deployment;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  // Only the single ones have steps.
  const fullA = useQuery({ ...deploymentQuery(a.id), enabled: open }).data ?? a;
  const fullB = useQuery({ ...deploymentQuery(b.id), enabled: open }).data ?? b;
  const diff = compareUrl(project.repo_url, a.commit, b.commit);
  return (
    <Dialog open={open} onOpenChange={onOpenChange}>
      <DialogContent
        title={`${KIND_WORDS[a.kind]} ${a.number} and ${KIND_WORDS[b.kind].toLowerCase()} ${b.number}`}
        description="What differs is marked."
        className="max-w-2xl"
      >
        <div role="region" aria-label="Comparison" tabIndex={0} className="overflow-x-auto rounded-lg border">
          <table className="w-full min-w-96 table-fixed text-left text-sm">
            <thead className="text-xs text-muted-foreground">
              <tr className="border-b">
                <th scope="col" className="w-28 px-3 py-2 font-medium">
                  <span className="sr-only">What</span>
                </th>
                {[a, b].map((d) => (
                  <th key={d.id} scope="col" className="px-3 py-2 font-medium">
                    <Link href={deploymentHref(d)} className="hover:underline">
                      #{d.number}
                    </Link>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="divide-y">
              {rows(fullA, fullB).map(([term, one, other]) => (
                <tr key={term} className={one === other ? undefined : "bg-warning/8"}>
                  <th scope="row" className="px-3 py-1.5 font-normal text-muted-foreground">
                    {term}
                    {one === other ? null : <span className="sr-only"> (differs)</span>}
                  </th>
                  {[one, other].map((text, i) => (
                    <td
                      key={i}
                      className={cn(
                        "px-3 py-1.5 align-top wrap-anywhere",
                        term === "Commit" && "font-mono text-xs",
                      )}
                    >
                      {text}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {diff ? (
          <a
            href={diff}
            target="_blank"
            rel="noreferrer"
            className="inline-flex items-center gap-1.5 text-sm underline underline-offset-4"
          >
            The commits between them <ExternalLinkIcon aria-hidden className="size-3.5" />
            <span className="sr-only">(opens in a new tab)</span>
          </a>
        ) : null}
      </DialogContent>
    </Dialog>
  );
}
