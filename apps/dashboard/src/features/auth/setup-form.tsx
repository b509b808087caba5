// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input, PasswordInput } from "@/components/ui/input";
import { claimCode, isClaimCode } from "./claim-code";
import { AttemptNotice } from "./attempt-notice";
import { AuthFrame } from "./frame";
import { passwordProblem } from "./strength";
import { StrengthHint } from "./strength-hint";
import { useEnter } from "./use-enter";

type Setup = { code: string; user: string; password: string };
const FIELDS = ["code", "user", "password"];

function problemsOf({ code, user, password }: Setup, again: string) {
  return {
    code: isClaimCode(code) ? null : "Three groups of four, as the installer printed them",
    user: user === "" ? "Choose a name" : null,
    password: passwordProblem(password, user),
    again: again === password ? null : "The two differ",
  };
}

export function SetupForm({ reset }: { reset: boolean }) {
  const [code, setCode] = useState("");
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [tried, setTried] = useState(false);
  const { enter, pauseMs, refusal } = useEnter<Setup>("/auth/setup");

  // The installer's address may have the code behind a #, which browsers send to nobody. It is not left in the history.
  useEffect(() => {
    const given = claimCode(decodeURIComponent(window.location.hash.slice(1)));
    if (given === "") return;
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
    queueMicrotask(() => setCode(given));
  }, []);

  const problems = problemsOf({ code, user, password }, again);
  const refused = (field: string) =>
    refusal?.field === field || (field === "code" && refusal?.type === "wrong-code") ? refusal.message : null;
  const told = refusal !== null && (FIELDS.includes(refusal.field ?? "") || refusal.type === "wrong-code");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.values(problems).every((problem) => problem === null)) enter.mutate({ code, user, password });
  };
  /** What was typed differs from what was refused: the refusal is no longer about it. */
  const edit = (set: (value: string) => void) => (event: React.ChangeEvent<HTMLInputElement>) => {
    if (enter.isError) enter.reset();
    set(event.target.value);
  };
  return (
    <AuthFrame
      title={reset ? "Set a new password" : "Create your account"}
      intro={
        reset
          ? "With the code that “nanoscale claim --reset” printed. All sessions end, and a second factor is removed."
          : "With the code that the installer printed. It proves that the server is yours."
      }
    >
      <form onSubmit={submit} noValidate className="grid gap-4">
        <Field label="Claim code" error={refused("code") ?? (tried ? problems.code : null)}>
          <Input
            name="code"
            value={code}
            onChange={edit((value) => setCode(claimCode(value)))}
            placeholder="XXXX-XXXX-XXXX"
            autoComplete="off"
            autoCapitalize="characters"
            spellCheck={false}
            className="font-mono tracking-wider"
            autoFocus
          />
        </Field>
        <Field label="User name" error={refused("user") ?? (tried ? problems.user : null)}>
          <Input
            name="username"
            value={user}
            onChange={edit(setUser)}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
          />
        </Field>
        <Field
          label={reset ? "New password" : "Password"}
          error={refused("password") ?? (tried ? problems.password : null)}
          hint={<StrengthHint password={password} />}
        >
          <PasswordInput
            name="password"
            value={password}
            onChange={edit(setPassword)}
            autoComplete="new-password"
          />
        </Field>
        <Field label="The same again" error={tried ? problems.again : null}>
          <PasswordInput name="again" value={again} onChange={edit(setAgain)} autoComplete="new-password" />
        </Field>
        <AttemptNotice pauseMs={pauseMs} error={told ? null : enter.error} />
        <Button
          type="submit"
          className="mt-1"
          busy={enter.isPending || enter.isSuccess}
          disabled={pauseMs > 0}
        >
          {reset ? "Set the password" : "Create account"}
        </Button>
      </form>
    </AuthFrame>
  );
}
