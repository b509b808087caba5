// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ExternalLinkIcon } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { CardBody, CardFooter } from "@/components/ui/card";
import { Code } from "@/components/ui/code";
import { Field } from "@/components/ui/field";
import { PasswordInput } from "@/components/ui/input";
import { AttemptNotice } from "@/features/auth/attempt-notice";
import { ApiError, call } from "@/lib/api";
import { usePause } from "@/lib/pause";
import { me } from "@/lib/queries";
import { CodeInput } from "./code-input";
import { QrCode } from "./qr-code";

type Pending = { secret: string; uri: string };
const isType = (error: Error | null, type: string) => error instanceof ApiError && error.type === type;

/** First the password, since a second factor locks out whoever does not have it. */
function AskPassword({ onCancel, onBegun }: { onCancel: () => void; onBegun: (pending: Pending) => void }) {
  const [password, setPassword] = useState("");
  const { pauseMs, note } = usePause();
  const begin = useMutation({
    mutationFn: () => call<Pending>("POST", "/me/second-factor", { password }),
    onSuccess: onBegun,
    onError: note,
  });
  const wrong = isType(begin.error, "wrong-login");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        begin.mutate();
      }}
    >
      <CardBody className="grid gap-4">
        <Field className="max-w-sm" label="Your password" error={wrong ? "This is not your password" : null}>
          <PasswordInput
            name="password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            autoComplete="current-password"
            autoFocus
          />
        </Field>
        <AttemptNotice pauseMs={pauseMs} error={wrong ? null : begin.error} />
      </CardBody>
      <CardFooter className="justify-start">
        <Button type="submit" busy={begin.isPending} disabled={password === "" || pauseMs > 0}>
          Continue
        </Button>
        <Button variant="ghost" onClick={onCancel}>
          Cancel
        </Button>
      </CardFooter>
    </form>
  );
}

function Confirm({
  pending,
  onCancel,
  onDone,
}: {
  pending: Pending;
  onCancel: () => void;
  onDone: (codes: string[]) => void;
}) {
  const client = useQueryClient();
  const [code, setCode] = useState("");
  const { pauseMs, note } = usePause();
  const confirm = useMutation({
    mutationFn: () => call<{ recovery_codes: string[] }>("POST", "/me/second-factor/confirm", { code }),
    onSuccess: ({ recovery_codes: codes }) => {
      onDone(codes);
      for (const queryKey of [me().queryKey, ["sessions"]]) void client.invalidateQueries({ queryKey });
    },
    onError: note,
  });
  const wrong = isType(confirm.error, "wrong-code") ? (confirm.error?.message ?? null) : null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        confirm.mutate();
      }}
    >
      <CardBody className="flex flex-wrap items-start gap-6 text-sm">
        <QrCode text={pending.uri} label="The same as the key beside it, to be scanned by the app" />
        <div className="grid min-w-0 flex-1 basis-64 grid-cols-[minmax(0,1fr)] gap-4">
          <p>Scan this with your authenticator app, or give it the key:</p>
          <Code value={pending.secret} label="Copy the key" wrap />
          <a
            href={pending.uri}
            className="inline-flex w-fit items-center gap-1.5 underline underline-offset-4 [&_svg]:size-3.5"
          >
            Open in an app on this device <ExternalLinkIcon aria-hidden />
          </a>
          <CodeInput
            label="The six digits that it shows now"
            autoFocus
            error={wrong}
            value={code}
            onChange={(value) => {
              if (confirm.isError) confirm.reset();
              setCode(value);
            }}
          />
          <AttemptNotice pauseMs={pauseMs} error={wrong ? null : confirm.error} />
        </div>
      </CardBody>
      <CardFooter className="justify-start">
        <Button type="submit" busy={confirm.isPending} disabled={code.length < 6 || pauseMs > 0}>
          Turn on
        </Button>
        <Button variant="ghost" onClick={onCancel}>
          Cancel
        </Button>
        <span className="text-muted-foreground">All other sessions end.</span>
      </CardFooter>
    </form>
  );
}

export function SetUpFactor({
  onCancel,
  onDone,
}: {
  onCancel: () => void;
  onDone: (codes: string[]) => void;
}) {
  const [pending, setPending] = useState<Pending | null>(null);
  return pending ? (
    <Confirm pending={pending} onCancel={onCancel} onDone={onDone} />
  ) : (
    <AskPassword onCancel={onCancel} onBegun={setPending} />
  );
}
