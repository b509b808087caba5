// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardDescription, CardFooter, CardHeader, CardTitle } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { PasswordInput } from "@/components/ui/input";
import { AttemptNotice } from "@/features/auth/attempt-notice";
import { passwordProblem } from "@/features/auth/strength";
import { StrengthHint } from "@/features/auth/strength-hint";
import { ApiError, call } from "@/lib/api";
import { usePause } from "@/lib/pause";
import { toast } from "@/lib/toast";

type Change = { current: string; password: string };
const EMPTY = { current: "", password: "", again: "" };

/** What the API refused, at the field that it is about. */
function refusedField(error: Error | null): keyof Change | null {
  if (!(error instanceof ApiError)) return null;
  if (error.type === "wrong-login" || error.field === "current") return "current";
  return error.field === "password" ? "password" : null;
}

export function PasswordForm({ user }: { user: string }) {
  const client = useQueryClient();
  const [form, setForm] = useState(EMPTY);
  const [tried, setTried] = useState(false);
  const { pauseMs, note } = usePause();
  const change = useMutation({
    mutationFn: (body: Change) => call<null>("POST", "/me/password", body),
    onSuccess: () => {
      setForm(EMPTY);
      setTried(false);
      void client.invalidateQueries({ queryKey: ["sessions"] });
      toast.success("The password has been changed", { detail: "All other sessions have ended." });
    },
    onError: note,
  });
  const field = refusedField(change.error);
  const problems = {
    current: form.current === "" ? "The password that you have now" : null,
    password: passwordProblem(form.password, user),
    again: form.again === form.password ? null : "The two differ",
  };
  const input = (name: keyof typeof EMPTY, autoComplete: string) => (
    <PasswordInput
      name={name}
      value={form[name]}
      autoComplete={autoComplete}
      onChange={(event) => {
        if (change.isError) change.reset();
        setForm({ ...form, [name]: event.target.value });
      }}
    />
  );
  const told = (name: keyof Change) =>
    field === name
      ? name === "current"
        ? "This is not your password"
        : (change.error?.message ?? null)
      : tried
        ? problems[name]
        : null;
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.values(problems).every((problem) => problem === null))
      change.mutate({ current: form.current, password: form.password });
  };
  return (
    <form onSubmit={submit} noValidate>
      <Card>
        <CardHeader>
          <CardTitle>Password</CardTitle>
        </CardHeader>
        <CardBody className="grid gap-4">
          {/* Password managers look for it. */}
          <input type="text" name="username" autoComplete="username" value={user} readOnly hidden />
          <Field className="max-w-sm" label="Current password" error={told("current")}>
            {input("current", "current-password")}
          </Field>
          <Field
            className="max-w-sm"
            label="New password"
            error={told("password")}
            hint={<StrengthHint password={form.password} />}
          >
            {input("password", "new-password")}
          </Field>
          <Field className="max-w-sm" label="The same again" error={tried ? problems.again : null}>
            {input("again", "new-password")}
          </Field>
          <AttemptNotice pauseMs={pauseMs} error={field ? null : change.error} />
        </CardBody>
        <CardFooter>
          <CardDescription>All other sessions end. API tokens stay.</CardDescription>
          <Button type="submit" busy={change.isPending} disabled={pauseMs > 0}>
            Change password
          </Button>
        </CardFooter>
      </Card>
    </form>
  );
}
