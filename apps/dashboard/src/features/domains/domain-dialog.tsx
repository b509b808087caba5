// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Domain, Project } from "@nanoscale/contracts";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Checkbox, Switch } from "@/components/ui/checkbox";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { Notice } from "@/components/ui/problem";
import { Select } from "@/components/ui/select";
import { ApiError } from "@/lib/api";
import { hostName } from "./dns";
import { useAdd, useChange } from "./mutations";
import { redirectingTo, targetsFor } from "./states";

type Props = { project: Project; domain: Domain | null; onClose: () => void };

/** The error in words of the field that it concerns, and without one in words of its own. */
function refusals(error: Error | null) {
  const field = error instanceof ApiError ? (error.field ?? null) : null;
  const known = field === "name" || field === "redirect_to";
  return {
    of: (name: string) => (field === name ? (error?.message ?? null) : null),
    other: known ? null : error,
  };
}

function useForm({ project, domain, onClose }: Props) {
  const [name, setName] = useState("");
  const [redirect, setRedirect] = useState(domain?.redirect_to ?? "");
  const [hsts, setHsts] = useState(domain?.hsts ?? false);
  const [primary, setPrimary] = useState(false);
  const [empty, setEmpty] = useState(false);
  const add = useAdd(project);
  const change = useChange(project, domain?.name ?? "");
  const act = domain ? change : add;
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    if (act.isPending) return;
    const done = { onSuccess: onClose };
    if (domain) return change.mutate({ redirect_to: redirect || null, hsts }, done);
    const host = hostName(name);
    setEmpty(host === "");
    if (host === "") return;
    setName(host);
    add.mutate(
      {
        name: host,
        ...(redirect ? { redirect_to: redirect } : {}),
        ...(hsts ? { hsts } : {}),
        ...(primary && !redirect ? { primary } : {}),
      },
      done,
    );
  };
  const typed =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      if (act.isError) act.reset();
      set(value);
    };
  return {
    name: { value: name, set: typed(setName), error: empty && name === "" ? "Which name" : null },
    redirect: { value: redirect, set: typed(setRedirect) },
    hsts: { value: hsts, set: setHsts },
    primary: { value: primary, set: setPrimary },
    busy: act.isPending,
    refused: refusals(act.error),
    submit,
  };
}

function Body(props: Props) {
  const { project, domain } = props;
  const { name, redirect, hsts, primary, busy, refused, submit } = useForm(props);
  const targets = targetsFor(project.domains, domain?.name ?? null);
  const sources = redirectingTo(project.domains, domain?.name ?? null);
  return (
    <form onSubmit={submit} noValidate className="grid grid-cols-[minmax(0,1fr)] gap-5">
      {domain ? null : (
        <Field label="Domain" required error={refused.of("name") ?? name.error}>
          <Input
            value={name.value}
            onChange={(event) => name.set(event.target.value)}
            placeholder="www.example.com"
            inputMode="url"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
          />
        </Field>
      )}
      {targets.length > 0 ? (
        <Field
          label="Visitors"
          error={refused.of("redirect_to")}
          hint={sources.length > 0 ? `${sources.join(", ")} redirects here, so they stay here.` : undefined}
        >
          <Select
            value={redirect.value}
            disabled={sources.length > 0}
            onChange={(event) => redirect.set(event.target.value)}
          >
            <option value="">See the app here</option>
            {targets.map((target) => (
              <option key={target} value={target}>
                Are sent on to {target}
              </option>
            ))}
          </Select>
        </Field>
      ) : null}
      {!domain && !redirect.value && project.domains.length > 0 ? (
        <Checkbox
          checked={primary.value}
          onCheckedChange={primary.set}
          label="Primary"
          hint={`The project’s address, instead of ${new URL(project.url).host}.`}
        />
      ) : null}
      <Switch
        checked={hsts.value}
        onCheckedChange={hsts.set}
        label="HSTS"
        hint="Browsers use nothing but https for a year. It cannot be taken back from who has seen it. It is sent once all domains of the project that visitors see have it."
      />
      {refused.other ? <Notice role="alert">{refused.other.message}</Notice> : null}
      <DialogFooter>
        <DialogClose asChild>
          <Button variant="secondary">Cancel</Button>
        </DialogClose>
        <Button type="submit" busy={busy}>
          {domain ? "Save" : "Add domain"}
        </Button>
      </DialogFooter>
    </form>
  );
}

/** Adds a domain, or changes one. */
export function DomainDialog({ open, ...props }: Props & { open: boolean }) {
  return (
    <Dialog open={open} onOpenChange={(on) => (on ? undefined : props.onClose())}>
      <DialogContent
        title={props.domain?.name ?? "Add a domain"}
        description={
          props.domain
            ? undefined
            : "It is served by https as soon as it points to the project’s server: the certificate comes by itself."
        }
      >
        <Body {...props} />
      </DialogContent>
    </Dialog>
  );
}
