// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { ApiToken, TokenScope } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { Notice } from "@/components/ui/problem";
import { Select } from "@/components/ui/select";
import { ApiError, call } from "@/lib/api";
import { apiTokens } from "@/lib/queries";
import { LIFETIMES, SCOPES } from "./scopes";
import { ShownOnce } from "./shown-once";

type NewToken = ApiToken & { token: string };
type Draft = { name: string; scope: TokenScope; days?: number };

function ScopeChoice({ scope, onChange }: { scope: TokenScope; onChange: (scope: TokenScope) => void }) {
  const id = useId();
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1.5 text-sm font-medium">What it may do</legend>
      {SCOPES.map(({ value, label, words }) => (
        <label
          key={value}
          className="flex cursor-pointer items-start gap-2.5 rounded-md border p-3 text-sm has-checked:border-primary has-focus-visible:outline-2 has-focus-visible:outline-ring"
        >
          <input
            type="radio"
            name={id}
            checked={value === scope}
            onChange={() => onChange(value)}
            className="mt-0.5"
          />
          <span>
            <span className="font-medium">{label}</span>
            <span className="block text-muted-foreground">{words}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Form({ onMade }: { onMade: (made: NewToken) => void }) {
  const client = useQueryClient();
  const form = useId();
  const [name, setName] = useState("");
  const [scope, setScope] = useState<TokenScope>("read");
  const [lifetime, setLifetime] = useState("90");
  const create = useMutation({
    mutationFn: (draft: Draft) => call<NewToken>("POST", "/tokens", draft),
    onSuccess: (made) => {
      // The list asks again: the secret is in no cache.
      void client.invalidateQueries({ queryKey: apiTokens().queryKey });
      onMade(made);
    },
  });
  const nameError =
    create.error instanceof ApiError && create.error.field === "name" ? create.error.message : null;
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    if (name.trim() === "") return;
    create.mutate({ name: name.trim(), scope, ...(lifetime === "" ? {} : { days: Number(lifetime) }) });
  };
  return (
    <>
      <form id={form} onSubmit={submit} className="grid grid-cols-[minmax(0,1fr)] gap-4">
        <Field label="Name" error={nameError} hint="What will use it, such as ci or grafana.">
          <Input
            value={name}
            onChange={(event) => {
              if (create.isError) create.reset();
              setName(event.target.value);
            }}
            maxLength={64}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        </Field>
        <ScopeChoice scope={scope} onChange={setScope} />
        <Field label="It ends after">
          <Select value={lifetime} onChange={(event) => setLifetime(event.target.value)}>
            {LIFETIMES.map(({ days, label }) => (
              <option key={label} value={days ?? ""}>
                {label}
              </option>
            ))}
          </Select>
        </Field>
        {create.error && !nameError ? <Notice role="alert">{create.error.message}</Notice> : null}
      </form>
      <DialogFooter>
        <DialogClose asChild>
          <Button variant="secondary">Cancel</Button>
        </DialogClose>
        <Button type="submit" form={form} busy={create.isPending} disabled={name.trim() === ""}>
          Create token
        </Button>
      </DialogFooter>
    </>
  );
}

export function CreateToken({ onClose }: { onClose: () => void }) {
  const [made, setMade] = useState<NewToken | null>(null);
  const stay = made ? (event: Event) => event.preventDefault() : undefined;
  return (
    <Dialog open onOpenChange={(open) => (open ? undefined : onClose())}>
      <DialogContent
        title={made ? `The token ${made.name}` : "Create an API token"}
        className="max-w-lg"
        // What is shown this once does not go away by a slip.
        onEscapeKeyDown={stay}
        onInteractOutside={stay}
      >
        {made ? (
          <>
            <ShownOnce
              secret={made.token}
              command={`curl -H "Authorization: Bearer ${made.token}" ${window.location.origin}/api/projects`}
            />
            <DialogFooter>
              <Button onClick={onClose}>I have copied it</Button>
            </DialogFooter>
          </>
        ) : (
          <Form onMade={setMade} />
        )}
      </DialogContent>
    </Dialog>
  );
}
