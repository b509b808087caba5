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

type Row = { term: string; texts: [string, string]; differs: boolean };

/** No two take equally long: of times only that a step ended otherwise, or was not come to, is a difference. */
function rows(a: Deployment, b: Deployment): Row[] {
  const row = (term: string, of: (d: Deployment) => string, differs?: boolean): Row => ({
    term,
    texts: [of(a), of(b)],
    differs: differs ?? of(a) !== of(b),
  });
  const result = (d: Deployment, name: StepName) => d.steps?.find((s) => s.name === name)?.result;
  const steps = STEPS.filter((name) => result(a, name) || result(b, name));
  return [
    row("Kind", (d) => KIND_WORDS[d.kind]),
    row("Outcome", (d) => (d.state === "live" ? "Went live" : statusWord(d.state))),
    row("Failure", (d) => d.failure?.sentence ?? "–"),
    row("Branch", (d) => d.branch),
    row("Commit", (d) => (d.commit ? shortCommit(d.commit) : "–")),
    row("Subject", (d) => d.subject ?? "–"),
    row("Author", (d) => d.author ?? "–"),
    row("Release number", (d) => (d.release === null ? "–" : String(d.release))),
    row("Begun", (d) => exactTime(Date.parse(d.created_at)), false),
    row("Took", (d) => (d.duration_ms === null ? "under way" : duration(d.duration_ms)), false),
    ...steps.map((name) =>
      row(STEP_WORDS[name].title, (d) => took(d, name), result(a, name) !== result(b, name)),
    ),
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
                <th scope="col" className="w-32 px-3 py-2 font-medium">
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
              {rows(fullA, fullB).map(({ term, texts, differs }) => (
                <tr key={term} className={differs ? "bg-warning/8" : undefined}>
                  <th scope="row" className="px-3 py-1.5 align-top font-normal text-muted-foreground">
                    {term}
                    {differs ? <span className="sr-only"> (differs)</span> : null}
                  </th>
                  {texts.map((text, i) => (
                    <td
                      key={i}
                      className={cn(
                        "px-3 py-1.5 align-top wrap-anywhere",
                        term === "Commit" && "font-mono text-xs leading-5",
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
