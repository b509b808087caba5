// SPDX-License-Identifier: AGPL-3.0-or-later
/** The form for a new project: what is typed, what a look at the repository adds to it, and what is sent of it. */
import { repositoryUrl, type ProjectDraft, type RepositoryCheck } from "@nanoscale/contracts";
import {
  fieldProblems,
  inputField,
  NUMBERS,
  SWITCHES,
  TEXTS,
  type Fields,
  type InputField,
  type NumberField,
  type TextField,
} from "../form/fields";

export type Form = Fields & { server: string | null; env: ReadonlyMap<string, string> };
export type FormField = InputField | "server" | "env";

/** The standards of docs/api.md. What nobody changes is not sent. */
export const STANDARD: Form = {
  repo_url: "",
  branch: "",
  name: "",
  root_directory: "",
  install_command: "bun install --frozen-lockfile",
  build_command: "bun run build",
  start_command: "bun run start",
  static_directory: "",
  node_version: "20",
  bun_version: "1.2.20",
  health_path: "/",
  memory_mib: "512",
  cpu_percent: "200",
  tasks_max: "256",
  port: "3000",
  drain_seconds: "120",
  build_memory_mib: "2048",
  build_cpu_percent: "200",
  build_seconds: "1200",
  server: null,
  scale_to_zero: true,
  idle_minutes: "15",
  doze: true,
  exclusive: false,
  env: new Map(),
};

export const isRepositoryUrl = (text: string) => repositoryUrl.safeParse(text).success;

/** https://git.example/acme/My_App.git → my-app */
export function nameFrom(url: string): string {
  const last = url.replace(/\/+$/, "").split("/").at(-1) ?? "";
  return last
    .replace(/\.git$/i, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replace(/^-+|-+$/g, "");
}

/**
 * What is shown and sent: what was typed, else what the look at the repository found, else the standard.
 * A command that the check gives as null is one that a build skips.
 */
export function complete(typed: Partial<Form>, check: RepositoryCheck | undefined): Form {
  const found: Partial<Form> = {};
  if (check) {
    if (check.default_branch) found.branch = check.default_branch;
    if (check.framework !== null) {
      found.install_command = check.install_command ?? "";
      found.build_command = check.build_command ?? "";
      if (check.start_command) found.start_command = check.start_command;
    }
    if (check.node_version) found.node_version = check.node_version;
  }
  if (typed.repo_url && isRepositoryUrl(typed.repo_url)) found.name = nameFrom(typed.repo_url);
  return { ...STANDARD, ...found, ...typed };
}

export function problemsOf(form: Form, taken: (name: string) => boolean): Partial<Record<FormField, string>> {
  const problems = fieldProblems(form);
  if (!problems.name && taken(form.name)) problems.name = "Another project has this name";
  return problems;
}

export function toDraft(form: Form): ProjectDraft {
  const draft: Record<string, unknown> = { name: form.name, repo_url: form.repo_url, branch: form.branch };
  for (const field of Object.keys(TEXTS) as TextField[])
    if (form[field] !== STANDARD[field]) draft[field] = form[field].trim();
  for (const field of Object.keys(NUMBERS) as NumberField[])
    if (form[field] !== STANDARD[field]) draft[field] = Number(form[field]);
  for (const field of SWITCHES) if (form[field] !== STANDARD[field]) draft[field] = form[field];
  if (form.scale_to_zero && form.idle_minutes !== STANDARD.idle_minutes)
    draft.idle_seconds = Number(form.idle_minutes) * 60;
  if (form.server !== null) draft.server = form.server;
  if (form.env.size > 0) draft.env = Object.fromEntries(form.env);
  return draft as ProjectDraft;
}

/** The input for a field of the API. */
export const formField = (field: string | undefined): FormField | null =>
  field === "server" || field === "env" ? field : inputField(field);
