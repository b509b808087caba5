// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useQuery } from "@tanstack/react-query";
import { RocketIcon } from "lucide-react";
import { useRef, useState } from "react";
import { Breadcrumbs } from "@/components/breadcrumbs";
import { PageHeader } from "@/components/page-header";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { CliHint } from "@/components/ui/cli-hint";
import { Notice } from "@/components/ui/problem";
import { ApiError } from "@/lib/api";
import { useLeaveWarning } from "@/lib/leave";
import { me, projects, servers } from "@/lib/queries";
import { PasteEnv } from "../../env/paste-dialog";
import { roomiest } from "../../servers/open";
import { Advanced } from "../form/advanced";
import { BuildCard, RunningCard } from "../form/cards";
import { ADVANCED } from "../form/fields";
import { TextInput } from "../form/inputs";
import { cliCommand } from "./command";
import { complete, formField, problemsOf, toDraft, type Form, type FormField } from "./draft";
import { ServerChoice } from "./server-choice";
import { Source } from "./source";
import { useCreate } from "./use-create";
import { useRepositoryCheck } from "./use-check";
import { Variables } from "./variables";

/** What was typed, what was found, and what is wrong with it. */
function useForm() {
  const [typed, setTyped] = useState<Partial<Form>>({});
  const [tried, setTried] = useState(false);
  const check = useRepositoryCheck(typed.repo_url ?? "", typed.branch, typed.root_directory);
  const taken = useQuery(projects()).data;
  const best = useQuery(servers()).data;
  const create = useCreate();
  const form = complete(typed, check.found);
  form.server ??= best ? (roomiest(best)?.name ?? null) : null;
  const problems = problemsOf(form, (name) => taken?.some((p) => p.name === name) ?? false);
  const refusal = create.error instanceof ApiError ? create.error : null;
  const refused = formField(refusal?.field);
  const set = <K extends keyof Form>(field: K, value: Form[K]) => {
    // What was typed differs from what was refused: the refusal is no longer about it.
    if (create.isError) create.reset();
    setTyped((old) => ({ ...old, [field]: value }));
  };
  const problem = (field: FormField) => {
    if (refused === field) return refusal?.message ?? null;
    // Of a field that is still to be filled nothing is said before the first try.
    return tried || (field in typed && form[field] !== "") ? (problems[field] ?? null) : null;
  };
  const controls = { form, set, turn: set, problem };
  return { controls, typed, check, problems, refused, create, setTried };
}

export function NewProjectView() {
  const { controls, typed, check, problems, refused, create, setTried } = useForm();
  const { form, set } = controls;
  const [advanced, setAdvanced] = useState(false);
  const element = useRef<HTMLFormElement>(null);
  const baseDomain = useQuery(me()).data?.base_domain;
  useLeaveWarning(Object.keys(typed).length > 0 && !create.isPending && !create.isSuccess);

  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    setTried(true);
    const wrong = Object.keys(problems) as FormField[];
    if (wrong.length === 0) {
      if (!create.isPending) create.mutate(toDraft(form));
      return;
    }
    if (wrong.some((field) => ADVANCED.includes(field))) setAdvanced(true);
    // After the errors are drawn.
    requestAnimationFrame(() => element.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  };
  return (
    <div className="mx-auto max-w-3xl">
      <Breadcrumbs items={[{ href: "/projects", label: "Projects" }]} />
      <PageHeader
        title="New project"
        description="From a git repository to a live address: it is built, sandboxed and served."
        actions={<CliHint command={cliCommand(form)} />}
      />
      <form ref={element} onSubmit={submit} noValidate className="grid gap-6">
        <Card>
          <CardHeader>
            <CardTitle>Source</CardTitle>
          </CardHeader>
          <CardBody>
            <Source controls={controls} isBranchTyped={"branch" in typed} check={check} />
          </CardBody>
        </Card>
        <Card>
          <CardHeader>
            <CardTitle>Project</CardTitle>
          </CardHeader>
          <CardBody className="grid gap-5">
            <TextInput
              controls={controls}
              field="name"
              required
              hint={
                baseDomain && form.name
                  ? `It is served at ${form.name}.${baseDomain}`
                  : "It becomes the first part of its address"
              }
            />
            <ServerChoice value={form.server} onChange={(name) => set("server", name)} />
          </CardBody>
        </Card>
        <BuildCard controls={controls} found={check.found} />
        <Card>
          <CardHeader>
            <CardTitle>Environment</CardTitle>
            <PasteEnv
              onAdd={(pairs) =>
                set("env", new Map([...form.env, ...pairs.map((p) => [p.key, p.value] as const)]))
              }
            />
          </CardHeader>
          <CardBody>
            <Variables env={form.env} onChange={(env) => set("env", env)} />
          </CardBody>
        </Card>
        <RunningCard controls={controls} />
        <Advanced controls={controls} open={advanced} onOpen={setAdvanced} />
        {create.error && !refused ? <Notice role="alert">{create.error.message}</Notice> : null}
        <div className="flex justify-end">
          <Button type="submit" busy={create.isPending || create.isSuccess}>
            {create.isPending ? null : <RocketIcon aria-hidden />} Create and deploy
          </Button>
        </div>
      </form>
    </div>
  );
}
