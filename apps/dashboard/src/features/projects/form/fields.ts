// SPDX-License-Identifier: AGPL-3.0-or-later
/** The fields that a new project and the settings of one have in common: how they are called, and what may stand in them. */
import {
  branchName,
  healthPath,
  projectName,
  relativeDirectory,
  repositoryUrl,
  version,
  wholeNumber,
} from "@nanoscale/contracts";

export const TEXTS = {
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
export const NUMBERS = {
  memory_mib: wholeNumber(32, 1_048_576),
  cpu_percent: wholeNumber(5, 12_800),
  tasks_max: wholeNumber(16, 32_768),
  port: wholeNumber(1024, 65_535),
  drain_seconds: wholeNumber(1, 3600),
  build_memory_mib: wholeNumber(64, 1_048_576),
  build_cpu_percent: wholeNumber(5, 12_800),
  build_seconds: wholeNumber(10, 86_400),
} as const;
const IDLE_MINUTES = wholeNumber(1, 43_200);

export type TextField = keyof typeof TEXTS;
export type NumberField = keyof typeof NUMBERS;
export const SWITCHES = ["scale_to_zero", "doze", "exclusive"] as const;
/** Texts and numbers as they stand in their inputs. */
export type Fields = Record<TextField | NumberField | "idle_minutes", string> &
  Record<(typeof SWITCHES)[number], boolean>;
export type InputField = TextField | NumberField | "idle_minutes";

export const LABELS: Record<keyof Fields, string> = {
  repo_url: "Repository",
  branch: "Branch",
  name: "Name",
  root_directory: "Root directory",
  install_command: "Install command",
  build_command: "Build command",
  start_command: "Start command",
  static_directory: "Static directory",
  node_version: "Node.js",
  bun_version: "Bun",
  health_path: "Health path",
  memory_mib: "Memory",
  cpu_percent: "Processor",
  tasks_max: "Processes and threads",
  port: "Port",
  drain_seconds: "Time to drain",
  build_memory_mib: "Memory of a build",
  build_cpu_percent: "Processor of a build",
  build_seconds: "Longest build",
  scale_to_zero: "Sleep when nobody asks",
  idle_minutes: "After so long without a request",
  doze: "Doze",
  exclusive: "Never twice at once",
};

/** What most never touch, and what is folded away. */
export const ADVANCED: readonly string[] = [
  "static_directory",
  "node_version",
  "bun_version",
  "port",
  "tasks_max",
  "drain_seconds",
  "build_memory_mib",
  "build_cpu_percent",
  "build_seconds",
] satisfies InputField[];

type Schema = {
  safeParse: (value: string) => { success: boolean; error?: { issues: { message: string }[] } };
};
/** What is wrong with it, in a sentence. */
export function first(schema: Schema, value: string): string | null {
  const result = schema.safeParse(value);
  return result.success ? null : (result.error?.issues[0]?.message ?? "Not usable");
}

const oneLine = (text: string) => (/[\n\r]/.test(text) ? "One line" : null);

export function fieldProblems(fields: Fields): Partial<Record<InputField, string>> {
  const problems: Partial<Record<InputField, string>> = {};
  const note = (field: InputField, problem: string | null) => {
    if (problem) problems[field] = problem;
  };
  for (const [field, schema] of Object.entries(TEXTS) as [TextField, Schema | null][])
    note(field, schema ? first(schema, fields[field]) : oneLine(fields[field]));
  for (const [field, schema] of Object.entries(NUMBERS) as [NumberField, Schema][])
    note(field, first(schema, fields[field]));
  if (fields.branch === "") problems.branch = "Which branch is deployed";
  if (fields.start_command.trim() === "") note("start_command", "What starts the app");
  if (fields.scale_to_zero) note("idle_minutes", first(IDLE_MINUTES, fields.idle_minutes));
  return problems;
}

/** The input for a field of the API. */
export function inputField(field: string | undefined): InputField | null {
  if (field === "idle_seconds") return "idle_minutes";
  return field !== undefined && (field in TEXTS || field in NUMBERS) ? (field as InputField) : null;
}
