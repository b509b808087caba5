// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Deployment } from "@nanoscale/contracts";
import { GitBranchIcon, GitCommitHorizontalIcon, UserIcon } from "lucide-react";
import { CopyButton } from "@/components/ui/copy-button";
import { RelativeTime } from "@/components/ui/time";
import { shortCommit } from "@/lib/format";

/** Where a deployment comes from, on one line. */
export function DeploymentFacts({ deployment: d }: { deployment: Deployment }) {
  return (
    <span className="flex flex-wrap items-center gap-x-4 gap-y-1 [&_svg]:size-3.5 [&_svg]:shrink-0">
      <span className="inline-flex min-w-0 items-center gap-1.5">
        <GitBranchIcon aria-label="Branch" /> <span className="truncate">{d.branch}</span>
      </span>
      {d.commit ? (
        <span className="inline-flex items-center gap-1">
          <GitCommitHorizontalIcon aria-label="Commit" />
          <span className="font-mono text-xs">{shortCommit(d.commit)}</span>
          <CopyButton value={d.commit} label="Copy the commit" className="-my-1" />
        </span>
      ) : null}
      {d.author ? (
        <span className="inline-flex min-w-0 items-center gap-1.5">
          <UserIcon aria-label="Author" /> <span className="truncate">{d.author}</span>
        </span>
      ) : null}
      <span>
        Begun <RelativeTime at={d.created_at} />
      </span>
    </span>
  );
}
