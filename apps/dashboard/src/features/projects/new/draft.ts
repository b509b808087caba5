// SPDX-License-Identifier: AGPL-3.0-or-later
/** The form for a new project: what is typed, what a look at the repository adds to it, and what is sent of it. */
import {
  branchName,
  healthPath,
  projectName,
  relativeDirectory,
  repositoryUrl,
  version,
  wholeNumber,
  type ProjectDraft,
  type RepositoryCheck,
} from "@nanoscale/contracts";

const TEXTS = {
  repo_url: repositoryUrl,
  branch: branchName,
  name: projectName,
  root_directory: relativeDirectory,
  install_command: null,
  build_command: null,
  start_command: null,
  static_directory: relativeDirectory,
  node_version: version,
  bun_version: version,
  health_path: healthPath,
} as const;
const NUMBERS = {
  memory_mib: wholeNumber(32, 1_048_576),
  cpu_percent: wholeNumber(5, 12_800),
  tasks_max: wholeNumber(16, 32_768),
  port: wholeNumber(1024, 65_535),
  drain_seconds: wholeNumber(1, 3600),
  build_memory_mib: wholeNumber(64, 1_048_576),
  build_cpu_percent: wholeNumber(5, 12_800),
  build_seconds: wholeNumber(10, 86_400),
} as const;

export type TextField = keyof typeof TEXTS;
export type NumberField = keyof typeof NUMBERS;
/** Texts and numbers as they stand in their inputs. */
export type Form = Record<TextField | NumberField, string> & {
  server: string | null;
  scale_to_zero: boolean;
  idle_minutes: string;
  doze: boolean;
  exclusive: boolean;
  env: ReadonlyMap<string, string>;
};
export type FormField = TextField | NumberField | "idle_minutes" | "server" | "env";

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

type Schema = {
  safeParse: (value: string) => { success: boolean; error?: { issues: { message: string }[] } };
};
const first = (schema: Schema, value: string) => {
  const result = schema.safeParse(value);
  return result.success ? null : (result.error?.issues[0]?.message ?? "Not usable");
};

const oneLine = (text: string) => (/[\n\r]/.test(text) ? "One line" : null);

export function problemsOf(form: Form, taken: (name: string) => boolean): Partial<Record<FormField, string>> {
  const problems: Partial<Record<FormField, string>> = {};
  const note = (field: FormField, problem: string | null) => {
    if (problem) problems[field] = problem;
  };
  for (const [field, schema] of Object.entries(TEXTS) as [TextField, Schema | null][])
    note(field, schema ? first(schema, form[field]) : oneLine(form[field]));
  for (const [field, schema] of Object.entries(NUMBERS) as [NumberField, Schema][])
    note(field, first(schema, form[field]));
  if (form.branch === "") problems.branch = "Which branch is deployed";
  if (form.start_command.trim() === "") note("start_command", "What starts the app");
  if (form.scale_to_zero) note("idle_minutes", first(wholeNumber(1, 43_200), form.idle_minutes));
  if (!problems.name && taken(form.name)) problems.name = "Another project has this name";
  return problems;
}

export function toDraft(form: Form): ProjectDraft {
  const draft: Record<string, unknown> = { name: form.name, repo_url: form.repo_url, branch: form.branch };
  for (const field of Object.keys(TEXTS) as TextField[])
    if (form[field] !== STANDARD[field]) draft[field] = form[field].trim();
  for (const field of Object.keys(NUMBERS) as NumberField[])
    if (form[field] !== STANDARD[field]) draft[field] = Number(form[field]);
  for (const field of ["scale_to_zero", "doze", "exclusive"] as const)
    if (form[field] !== STANDARD[field]) draft[field] = form[field];
  if (form.scale_to_zero && form.idle_minutes !== STANDARD.idle_minutes)
    draft.idle_seconds = Number(form.idle_minutes) * 60;
  if (form.server !== null) draft.server = form.server;
  if (form.env.size > 0) draft.env = Object.fromEntries(form.env);
  return draft as ProjectDraft;
}

/** The input for a field of the API. */
export const formField = (field: string | undefined): FormField | null => {
  if (field === "idle_seconds") return "idle_minutes";
  return field !== undefined && (field in TEXTS || field in NUMBERS || field === "server" || field === "env")
    ? (field as FormField)
    : null;
};

export const ADVANCED: readonly FormField[] = [
  "static_directory",
  "node_version",
  "bun_version",
  "port",
  "tasks_max",
  "drain_seconds",
  "build_memory_mib",
  "build_cpu_percent",
  "build_seconds",
];
