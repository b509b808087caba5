// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";

/** The six digits of an authenticator app; with `recovery`, or one of the recovery codes. */
export function CodeInput({
  label,
  hint,
  error,
  recovery,
  autoFocus,
  value,
  onChange,
}: {
  label: string;
  hint?: string;
  error: string | null;
  recovery?: boolean;
  autoFocus?: boolean;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <Field label={label} hint={hint} error={error}>
      <Input
        name="code"
        value={value}
        onChange={(event) =>
          onChange(recovery ? event.target.value.trim() : event.target.value.replace(/\D/g, "").slice(0, 6))
        }
        inputMode={recovery ? "text" : "numeric"}
        autoComplete="one-time-code"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus={autoFocus}
        className="max-w-48 font-mono tracking-widest"
      />
    </Field>
  );
}
