// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Failure, Project, ProjectSettings } from "@nanoscale/contracts";
import { CircleXIcon } from "lucide-react";
import Link from "next/link";
import { Button } from "@/components/ui/button";
import { plain } from "@/lib/ansi";
import { part } from "@/lib/api";
import { diagnose, type Remedy } from "./remedy";
import { STEP_WORDS } from "./states";

function RemedyButton({
  remedy,
  first,
  project,
  busy,
  onRetry,
}: {
  remedy: Remedy;
  first: boolean;
  project: Project;
  busy: boolean;
  onRetry: Retry;
}) {
  const variant = first ? "primary" : "secondary";
  if (remedy.kind === "patch" || remedy.kind === "retry") {
    const changes = remedy.kind === "patch" ? remedy.changes : undefined;
    return (
      <Button variant={variant} busy={busy} onClick={() => onRetry(changes)}>
        {remedy.label}
      </Button>
    );
  }
  const href = remedy.kind === "servers" ? "/servers" : `/projects/${part(project.name)}?tab=${remedy.tab}`;
  return (
    <Button variant={variant} asChild>
      <Link href={href}>{remedy.label}</Link>
    </Button>
  );
}

type Retry = (changes?: Partial<ProjectSettings>) => void;

/** What went wrong, the lines before it, and the button that helps. */
/** Without the empty lines at both ends. */
const withoutEdges = (lines: string[]) =>
  lines.slice(
    lines.findIndex((line) => line.trim() !== ""),
    lines.findLastIndex((line) => line.trim() !== "") + 1,
  );

export function FailureCard({
  failure,
  project,
  busy,
  onRetry,
}: {
  failure: Failure;
  project: Project;
  busy: boolean;
  onRetry: Retry;
}) {
  const { title, advice, remedies } = diagnose(failure, project);
  const lines = withoutEdges(failure.last_lines.map(plain));
  return (
    <section
      aria-label="Why it failed"
      className="mb-6 grid gap-4 rounded-xl border border-danger/40 bg-danger/5 p-5"
    >
      <div className="flex items-start gap-3">
        <CircleXIcon aria-hidden className="mt-0.5 size-5 shrink-0 text-danger" />
        <div className="grid min-w-0 gap-1">
          <h2 className="font-medium break-words">{title}</h2>
          <p className="text-sm text-muted-foreground">
            {advice} It failed in the step {STEP_WORDS[failure.step].title}
            {failure.exit_code === null ? "" : `, with exit code ${failure.exit_code}`}.
          </p>
        </div>
      </div>
      {lines.length > 0 ? (
        <pre
          tabIndex={0}
          aria-label="Its last lines"
          className="max-h-56 overflow-auto rounded-lg border bg-background px-4 py-3 font-mono text-xs leading-5 wrap-anywhere whitespace-pre-wrap"
        >
          {lines.join("\n")}
        </pre>
      ) : null}
      <div className="flex flex-wrap gap-2">
        {remedies.map((remedy, i) => (
          <RemedyButton
            key={remedy.label}
            remedy={remedy}
            first={i === 0}
            project={project}
            busy={busy}
            onRetry={onRetry}
          />
        ))}
      </div>
    </section>
  );
}
