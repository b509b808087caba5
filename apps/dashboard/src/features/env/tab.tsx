// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Env, Project } from "@nanoscale/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRoundIcon, RotateCwIcon } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader, CardTitle } from "@/components/ui/card";
import { Empty } from "@/components/ui/empty";
import { Notice, Problem } from "@/components/ui/problem";
import { SaveBar } from "@/components/ui/save-bar";
import { Skeleton } from "@/components/ui/skeleton";
import { call, part } from "@/lib/api";
import { count } from "@/lib/format";
import { env as envQuery } from "@/lib/queries";
import { toast } from "@/lib/toast";
import { useBeginAndWatch } from "../projects/mutations";
import { AddRow } from "./add-row";
import type { Pair } from "./dotenv";
import { EnvList } from "./list";
import { PasteEnv } from "./paste-dialog";
import { NOTHING, patch, rows, stage, undo, unset, type Staged } from "./staged";

function useSave(project: Project, onSaved: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (staged: Staged) => call<Env>("PATCH", `/projects/${part(project.name)}/env`, patch(staged)),
    onSuccess: (changed) => {
      client.setQueryData<Env>(["env", project.id], changed);
      void client.invalidateQueries({ queryKey: ["project", project.name] });
      toast.success("The environment was saved");
      onSaved();
    },
  });
}

function NotYet({ project }: { project: Project }) {
  const begin = useBeginAndWatch(project.name);
  return (
    <Notice
      tone="warning"
      title="The app still runs with the variables it was started with"
      action={
        <Button
          variant="secondary"
          size="sm"
          busy={begin.isPending}
          disabled={project.status === "deploying"}
          onClick={() => begin.run({ what: "restart" })}
        >
          {begin.isPending ? null : <RotateCwIcon aria-hidden />} Restart
        </Button>
      }
    >
      A restart gives it the new ones, without an interruption. Variables that the build reads need a
      deployment.
    </Notice>
  );
}

function Waiting() {
  return (
    <Card aria-busy="true">
      <CardHeader>
        <Skeleton className="h-5 w-40" />
      </CardHeader>
      <CardBody className="grid gap-3">
        {Array.from({ length: 5 }, (_, i) => (
          <Skeleton key={i} className="h-9" />
        ))}
      </CardBody>
    </Card>
  );
}

function Loaded({ env, project }: { env: Env; project: Project }) {
  const [staged, setStaged] = useState<Staged>(NOTHING);
  const save = useSave(project, () => setStaged(NOTHING));
  const change = (next: Staged) => {
    if (save.isError) save.reset();
    setStaged(next);
  };
  const add = (pairs: Pair[]) => change(stage(staged, pairs));
  const list = rows(env.env, staged);
  return (
    <div className="grid gap-6">
      {env.changed_since_deploy && project.live_release !== null ? <NotYet project={project} /> : null}
      <Card>
        <CardHeader>
          <CardTitle>
            Variables <span className="font-normal text-muted-foreground tabular-nums">{env.env.length}</span>
          </CardTitle>
          <PasteEnv onAdd={add} />
        </CardHeader>
        {list.length === 0 ? (
          <Empty icon={<KeyRoundIcon aria-hidden />} title="No variables yet" className="py-10">
            Add one below, or paste a whole .env file. They are stored encrypted.
          </Empty>
        ) : (
          <EnvList
            rows={list}
            onSet={(key, value) => add([{ key, value }])}
            onUnset={(key) => change(unset(env.env, staged, key))}
            onUndo={(key) => change(undo(staged, key))}
          />
        )}
        <div className="border-t p-5">
          <AddRow onAdd={add} />
        </div>
      </Card>
      <SaveBar
        changes={[...staged.keys()]}
        effect={
          project.live_release === null
            ? "Counts with the first deployment."
            : "Counts with the next restart or deployment."
        }
        saveLabel={`Save ${count(staged.size, "change")}`}
        busy={save.isPending}
        error={save.error}
        onSave={() => save.mutate(staged)}
        onDiscard={() => change(NOTHING)}
      />
    </div>
  );
}

export function EnvironmentTab({ project }: { project: Project }) {
  const env = useQuery(envQuery(project.id));
  if (env.data) return <Loaded env={env.data} project={project} />;
  if (env.isPending) return <Waiting />;
  return (
    <Card>
      <Problem
        title="The environment could not be loaded"
        error={env.error}
        onRetry={() => void env.refetch()}
        busy={env.isFetching}
      />
    </Card>
  );
}
