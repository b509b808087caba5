// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { Field } from "@/components/ui/field";
import { Select } from "@/components/ui/select";

export const STANDARD_LINGER = 300;
const LINGERS = [
  [0, "Not at all"],
  [300, "5 minutes"],
  [3600, "An hour"],
  [86_400, "A day"],
  [604_800, "A week"],
] as const;

/** For how long the old place serves after a move, in seconds. */
export function LingerField({ value, onChange }: { value: number; onChange: (seconds: number) => void }) {
  return (
    <Field
      label="The old place goes on serving for"
      hint="For visitors whose name servers still point there."
    >
      <Select value={value} onChange={(event) => onChange(Number(event.target.value))}>
        {LINGERS.map(([seconds, label]) => (
          <option key={seconds} value={seconds}>
            {label}
          </option>
        ))}
      </Select>
    </Field>
  );
}
