// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project, ProjectSettings } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, call, part } from "@/lib/api";
import { putProject } from "@/lib/events";
import { toast } from "@/lib/toast";
import { isMoving } from "../projects/choose";
import { useBeginAndWatch } from "../projects/mutations";
import { effectOf, needs } from "./effect";
import { changedFields, formOf, inputOf, patchOf, problemsOf, type Form, type Problems } from "./form";

const NEXT = { deployments: "Deploy now", restart: "Restart now" } as const;

function useSave(project: Project, onSaved: () => void) {
  const client = useQueryClient();
  const begin = useBeginAndWatch(project.name);
  return useMutation({
    mutationFn: ({ patch }: { patch: Partial<ProjectSettings>; fields: (keyof Form)[] }) =>
      call<Project>("PATCH", `/projects/${part(project.name)}`, patch),
    onSuccess: (changed, { fields }) => {
      putProject(client, changed);
      onSaved();
      const next = changed.pending || isMoving(changed) ? null : needs(fields, changed);
      toast.success("The settings were saved", {
        detail: changed.pending ? "Its server gets them when it is back." : effectOf(fields, changed),
        action: next ? { label: NEXT[next], run: () => begin.run({ what: next }) } : undefined,
      });
    },
  });
}

export type SettingsControls = ReturnType<typeof useSettings>["controls"];

/** What differs from the project, until it is saved or discarded. What others change meanwhile shows where nothing was typed. */
export function useSettings(project: Project) {
  const [typed, setTyped] = useState<Partial<Form>>({});
  const [tried, setTried] = useState(false);
  const start = () => {
    setTyped({});
    setTried(false);
  };
  const save = useSave(project, start);
  const base = formOf(project);
  const form = { ...base, ...typed };
  const fields = changedFields(form, base);
  const problems = problemsOf(form, base);
  const refusal = save.error instanceof ApiError ? save.error : null;
  const refused = inputOf(refusal?.field);
  const set = <K extends keyof Form>(field: K, value: Form[K]) => {
    // What was typed differs from what was refused: the refusal is no longer about it.
    if (save.isError) save.reset();
    setTyped((old) => ({ ...old, [field]: value }));
  };
  const problem = (field: keyof Problems) => {
    if (refused === field) return refusal?.message ?? null;
    return tried || (field in typed && form[field] !== "") ? (problems[field] ?? null) : null;
  };
  return {
    controls: { form, set, turn: set, problem },
    fields,
    refused,
    busy: save.isPending,
    /** What no input shows. */
    error: refused ? null : save.error,
    discard: () => {
      save.reset();
      start();
    },
    /** The inputs that are wrong, of what was to be saved; none: it is on its way. */
    save: (): (keyof Problems)[] => {
      setTried(true);
      const wrong = Object.keys(problems) as (keyof Problems)[];
      if (wrong.length === 0) save.mutate({ patch: patchOf(form, base, project), fields });
      return wrong;
    },
  };
}
