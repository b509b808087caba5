// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { RepositoryCheck } from "@nanoscale/contracts";
import { CircleCheckIcon, GitCommitHorizontalIcon, LoaderCircleIcon } from "lucide-react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { Notice } from "@/components/ui/problem";
import { shortCommit } from "@/lib/format";
import type { Controls } from "../form/controls";
import type { useRepositoryCheck } from "./use-check";

const FRAMEWORKS: Record<NonNullable<RepositoryCheck["framework"]>, string> = {
  nextjs: "Next.js",
  vite: "Vite",
  astro: "Astro",
  node: "Node.js",
  bun: "Bun",
  static: "Static files",
};

function Found({ found }: { found: RepositoryCheck }) {
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-lg border bg-background px-4 py-3 text-sm">
      <CircleCheckIcon aria-hidden className="size-4 text-success" />
      {found.framework ? (
        <Badge tone="primary">
          {FRAMEWORKS[found.framework]} {found.framework_version}
        </Badge>
      ) : (
        <span className="text-muted-foreground">
          The repository is there; no known framework was found. Look at the commands below.
        </span>
      )}
      {found.commit ? (
        <span className="flex min-w-0 flex-1 basis-56 items-center gap-1.5 text-muted-foreground">
          <GitCommitHorizontalIcon aria-label="Newest commit" className="size-4 shrink-0" />
          <span className="font-mono text-xs">{shortCommit(found.commit.id)}</span>
          <span className="truncate text-foreground">{found.commit.subject}</span>
          <span className="hidden shrink-0 sm:inline">{found.commit.author}</span>
        </span>
      ) : null}
    </div>
  );
}

export function Source({
  controls: { form, set, problem },
  isBranchTyped,
  check,
}: {
  controls: Controls;
  isBranchTyped: boolean;
  check: ReturnType<typeof useRepositoryCheck>;
}) {
  const { found, isChecking, error, retry } = check;
  return (
    <div className="grid gap-4">
      <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_14rem]">
        <Field label="Repository" required error={problem("repo_url")} hint="Public, by https">
          <Input
            name="repo_url"
            type="url"
            inputMode="url"
            placeholder="https://github.com/you/app"
            value={form.repo_url}
            onChange={(event) => set("repo_url", event.target.value.trim())}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
          />
        </Field>
        <Field
          label="Branch"
          required
          error={problem("branch")}
          hint={found?.default_branch && !isBranchTyped ? "The repository's default" : undefined}
        >
          <Input
            name="branch"
            list="new-branches"
            value={form.branch}
            onChange={(event) => set("branch", event.target.value.trim())}
            placeholder="main"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        </Field>
        <datalist id="new-branches">
          {found?.branches.map((branch) => (
            <option key={branch} value={branch} />
          ))}
        </datalist>
      </div>
      <div aria-live="polite" className="empty:hidden">
        {isChecking ? (
          <p className="flex items-center gap-2 rounded-lg border bg-background px-4 py-3 text-sm text-muted-foreground">
            <LoaderCircleIcon aria-hidden className="size-4 animate-spin" /> Looking at the repository
          </p>
        ) : error ? (
          <Notice
            title="It could not be looked at"
            action={
              <Button variant="secondary" size="sm" onClick={retry}>
                Retry
              </Button>
            }
          >
            {error.message}
          </Notice>
        ) : found ? (
          <Found found={found} />
        ) : null}
      </div>
    </div>
  );
}
