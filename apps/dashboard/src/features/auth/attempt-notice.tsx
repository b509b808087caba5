// SPDX-License-Identifier: AGPL-3.0-or-later
import { Notice } from "@/components/ui/problem";
import { ApiError } from "@/lib/api";
import { countdown } from "@/lib/time";

/** Why an attempt with a password or a code came to nothing, where no field says it: a pause, or the words of the API. */
export function AttemptNotice({ pauseMs, error }: { pauseMs: number; error: Error | null }) {
  if (pauseMs > 0) {
    return (
      <Notice tone="warning" role="alert" title="Too many attempts">
        The next one is possible in <span className="tabular-nums">{countdown(pauseMs)}</span>.
      </Notice>
    );
  }
  if (error === null || (error instanceof ApiError && error.status === 429)) return null;
  return <Notice role="alert">{error.message}</Notice>;
}
