// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { ApiError } from "@/lib/api";
import { AttemptNotice } from "./attempt-notice";
import { AuthFrame } from "./frame";

/** The second step of signing in: six digits of the app, or one of the recovery codes. */
export function SecondFactor({
  busy,
  pauseMs,
  error,
  onCode,
  onBack,
}: {
  busy: boolean;
  pauseMs: number;
  error: Error | null;
  onCode: (code: string) => void;
  onBack: () => void;
}) {
  const [recovery, setRecovery] = useState(false);
  const [code, setCode] = useState("");
  const wrong = error instanceof ApiError && error.status === 401 ? error.message : null;
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    onCode(code.trim());
  };
  return (
    <AuthFrame
      title="Second factor"
      intro={
        recovery
          ? "One of the recovery codes that you saved. Each works once."
          : "The six digits that your authenticator app shows now."
      }
    >
      <form onSubmit={submit} className="grid gap-4">
        <Field label={recovery ? "Recovery code" : "Code"} error={wrong}>
          <Input
            key={String(recovery)}
            name="code"
            value={code}
            onChange={(event) =>
              setCode(recovery ? event.target.value : event.target.value.replace(/\D/g, "").slice(0, 6))
            }
            inputMode={recovery ? "text" : "numeric"}
            autoComplete={recovery ? "off" : "one-time-code"}
            autoCapitalize="none"
            spellCheck={false}
            className="font-mono tracking-widest"
            autoFocus
            required
          />
        </Field>
        <AttemptNotice pauseMs={pauseMs} error={wrong ? null : error} />
        <Button
          type="submit"
          busy={busy}
          disabled={pauseMs > 0 || (recovery ? code.trim() === "" : code.length < 6)}
        >
          Continue
        </Button>
      </form>
      <div className="flex flex-wrap justify-between gap-3">
        <Button variant="link" size="inline" onClick={onBack}>
          Back
        </Button>
        <Button
          variant="link"
          size="inline"
          onClick={() => {
            setRecovery(!recovery);
            setCode("");
          }}
        >
          {recovery ? "Use the authenticator app" : "Use a recovery code"}
        </Button>
      </div>
    </AuthFrame>
  );
}
