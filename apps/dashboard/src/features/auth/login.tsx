// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input, PasswordInput } from "@/components/ui/input";
import { Notice } from "@/components/ui/problem";
import { authState } from "@/lib/queries";
import { safeTarget } from "@/lib/target";
import { AttemptNotice } from "./attempt-notice";
import { AuthFrame } from "./frame";
import { SecondFactor } from "./second-factor";
import { useEnter } from "./use-enter";

type Login = { user: string; password: string; code?: string };

export function LoginView() {
  const state = useQuery(authState());
  const router = useRouter();
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const passwordInput = useRef<HTMLInputElement>(null);
  const { enter, pauseMs, refusal } = useEnter<Login>("/auth/login");

  const signedIn = state.data?.user != null && !enter.isPending;
  useEffect(() => {
    if (signedIn) router.replace(safeTarget(new URLSearchParams(window.location.search).get("to")));
  }, [signedIn, router]);

  const wantsCode = refusal?.type === "code-wanted" || enter.variables?.code !== undefined;
  if (wantsCode && refusal?.type !== "wrong-login") {
    return (
      <SecondFactor
        busy={enter.isPending || enter.isSuccess}
        pauseMs={pauseMs}
        error={refusal?.type === "code-wanted" ? null : enter.error}
        onCode={(code) => enter.mutate({ user, password, code })}
        onBack={() => {
          enter.reset();
          setPassword("");
        }}
      />
    );
  }

  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    enter.mutate({ user, password }, { onError: () => passwordInput.current?.select() });
  };
  return (
    <AuthFrame title="Sign in">
      {state.data?.setup ? (
        <Notice tone="info" title="A set-up code is waiting">
          Have you been given one?{" "}
          <Link href="/setup" className="underline underline-offset-4">
            Use it
          </Link>{" "}
          to create the account, or to set its password anew.
        </Notice>
      ) : null}
      <form onSubmit={submit} className="grid gap-4">
        <Field label="User name">
          <Input
            name="username"
            value={user}
            onChange={(event) => setUser(event.target.value)}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            required
          />
        </Field>
        <Field label="Password">
          <PasswordInput
            ref={passwordInput}
            name="password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            autoComplete="current-password"
            required
          />
        </Field>
        <AttemptNotice pauseMs={pauseMs} error={enter.error} />
        <Button
          type="submit"
          className="mt-1"
          busy={enter.isPending || enter.isSuccess}
          disabled={pauseMs > 0}
        >
          Sign in
        </Button>
      </form>
      <details className="text-sm text-muted-foreground">
        <summary className="w-fit cursor-pointer rounded-sm hover:text-foreground">
          Forgot the password?
        </summary>
        <p className="mt-2">
          On the server, as root,{" "}
          <code className="font-mono text-xs text-foreground">nanoscale claim --reset</code> prints a code.
          With it a new password is set on the{" "}
          <Link href="/setup?reset" className="underline underline-offset-4">
            set-up page
          </Link>
          .
        </p>
      </details>
    </AuthFrame>
  );
}
