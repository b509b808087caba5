// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { Button } from "@/components/ui/button";
import { Code } from "@/components/ui/code";
import { Problem } from "@/components/ui/problem";
import { Skeleton } from "@/components/ui/skeleton";
import { authState } from "@/lib/queries";
import { AuthFrame } from "./frame";
import { SetupForm } from "./setup-form";

/** With a claim code: the first account, or (`?reset`) a new password for the one there is. */
export function SetupView() {
  const state = useQuery(authState());
  const reset = useSearchParams().has("reset");
  if (state.isPending) {
    return (
      <AuthFrame title={reset ? "Set a new password" : "Create your account"}>
        {[0, 1, 2, 3].map((i) => (
          <Skeleton key={i} className="h-15" />
        ))}
      </AuthFrame>
    );
  }
  if (state.isError) {
    return (
      <AuthFrame title="Set-up">
        <Problem
          error={state.error}
          onRetry={() => void state.refetch()}
          busy={state.isFetching}
          className="px-0"
        />
      </AuthFrame>
    );
  }
  if (!state.data.setup) {
    return (
      <AuthFrame
        title="No set-up code is open"
        intro="A code is good for 24 hours, and once. On the server, as root, this prints a new one:"
      >
        <Code value="nanoscale claim --reset" label="Copy the command" />
        <p className="text-sm text-muted-foreground">
          It sets the account’s password anew and removes its second factor. Without an account yet, leave
          “--reset” out.
        </p>
        <Button asChild variant="secondary">
          <Link href="/login">Sign in instead</Link>
        </Button>
      </AuthFrame>
    );
  }
  return <SetupForm reset={reset} />;
}
