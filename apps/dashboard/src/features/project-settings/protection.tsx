// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { Card, CardBody, CardDescription, CardHeader, CardTitle } from "@/components/ui/card";
import { Switch } from "@/components/ui/checkbox";
import { Field } from "@/components/ui/field";
import { Input, PasswordInput } from "@/components/ui/input";
import { Textarea } from "@/components/ui/textarea";
import { NAMES } from "./effect";
import type { SettingsControls } from "./use-settings";

function Gate({ controls: { form, set, problem }, isKept }: { controls: SettingsControls; isKept: boolean }) {
  return (
    <div className="grid gap-4">
      <Switch
        checked={form.gate}
        onCheckedChange={(on) => set("gate", on)}
        label={NAMES.gate}
        hint="And for a user. The app sees neither."
      />
      {form.gate ? (
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={NAMES.gate_user} error={problem("gate_user")}>
            <Input
              value={form.gate_user}
              onChange={(event) => set("gate_user", event.target.value.trim())}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          </Field>
          <Field
            label={NAMES.gate_password}
            hint={isKept ? "Empty: it stays as it is" : "At least 8 characters; only a hash of it is kept"}
            error={problem("gate_password")}
          >
            <PasswordInput
              value={form.gate_password}
              onChange={(event) => set("gate_password", event.target.value)}
              autoComplete="new-password"
            />
          </Field>
        </div>
      ) : null}
    </div>
  );
}

/** Who may visit, and how. All of it counts at once. */
export function Protection({ controls, isKept }: { controls: SettingsControls; isKept: boolean }) {
  const { form, set, problem } = controls;
  return (
    <Card>
      <CardHeader>
        <CardTitle>Protection</CardTitle>
        <CardDescription>Who may visit, and how</CardDescription>
      </CardHeader>
      <CardBody className="grid gap-6">
        <Gate controls={controls} isKept={isKept} />
        <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_14rem]">
          <Field
            label={NAMES.allow}
            hint="One a line, up to 64; all others get status 403. Empty: everybody may visit"
            error={problem("allow")}
          >
            <Textarea
              rows={3}
              value={form.allow}
              onChange={(event) => set("allow", event.target.value)}
              placeholder={"203.0.113.0/24\n2001:db8::/32"}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              className="font-mono pointer-fine:text-[13px]"
            />
          </Field>
          <Field
            label={NAMES.rate}
            hint="Of one address, as many again in reserve; 0: no limit"
            error={problem("rate")}
          >
            <Input
              inputMode="numeric"
              value={form.rate}
              onChange={(event) => set("rate", event.target.value.trim())}
              autoComplete="off"
              className="tabular-nums"
            />
          </Field>
        </div>
        <Switch
          checked={form.security_headers}
          onCheckedChange={(on) => set("security_headers", on)}
          label={NAMES.security_headers}
          hint="X-Content-Type-Options, X-Frame-Options and Referrer-Policy, unless the app sends its own."
        />
        <Switch
          checked={form.maintenance}
          onCheckedChange={(on) => set("maintenance", on)}
          label={NAMES.maintenance}
          hint="Visitors get a page with status 503 instead of the app."
        />
      </CardBody>
    </Card>
  );
}
