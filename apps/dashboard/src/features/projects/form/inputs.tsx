// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { cn } from "@/lib/cn";
import type { Controls } from "./controls";
import { LABELS, type NumberField, type TextField } from "./fields";

export function TextInput({
  controls: { form, set, problem },
  field,
  hint,
  mono,
  required,
  ...p
}: {
  controls: Controls;
  field: TextField;
  hint?: React.ReactNode;
  mono?: boolean;
  required?: boolean;
} & Pick<React.ComponentProps<"input">, "placeholder" | "list">) {
  return (
    <Field label={LABELS[field]} hint={hint} error={problem(field)} required={required}>
      <Input
        name={field}
        value={form[field]}
        onChange={(event) => set(field, event.target.value)}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        className={cn(mono && "font-mono pointer-fine:text-[13px]")}
        {...p}
      />
    </Field>
  );
}

export function NumberInput({
  controls: { form, set, problem },
  field,
  unit,
  hint,
}: {
  controls: Controls;
  field: NumberField | "idle_minutes";
  unit?: string;
  hint?: React.ReactNode;
}) {
  return (
    <Field label={LABELS[field]} hint={hint} error={problem(field)}>
      <div className="relative">
        {/* Digits in a text: no wheel and no spinner change a limit by accident. */}
        <Input
          name={field}
          inputMode="numeric"
          value={form[field]}
          onChange={(event) => set(field, event.target.value.trim())}
          autoComplete="off"
          className="pr-14 tabular-nums"
        />
        {unit ? (
          <span
            aria-hidden
            className="pointer-events-none absolute inset-y-0 right-3 flex items-center text-sm text-muted-foreground"
          >
            {unit}
          </span>
        ) : null}
      </div>
    </Field>
  );
}
