// SPDX-License-Identifier: AGPL-3.0-or-later
/** Why a deployment failed, in words, and what helps: from the agent's sentence and the last lines of the program that ended. */
import type { Failure, Project, ProjectSettings, StepName } from "@nanoscale/contracts";
import { plain } from "@/lib/ansi";

export type Remedy =
  /** Changes a setting and deploys anew. */
  | { kind: "patch"; label: string; changes: Partial<ProjectSettings> }
  | { kind: "tab"; label: string; tab: "settings" | "logs" | "environment" }
  | { kind: "retry"; label: string }
  | { kind: "servers"; label: string };
export type Diagnosis = { title: string; advice: string | null; remedies: Remedy[] };

type Limits = Pick<Project, "build_memory_mib" | "memory_mib" | "build_seconds" | "build_command">;
type Rule = (sentence: string, lines: string, project: Limits, step: StepName) => Diagnosis | null;

const retry: Remedy = { kind: "retry", label: "Deploy again" };
const settings = (label: string): Remedy => ({ kind: "tab", label, tab: "settings" });
const double = (n: number, most: number) => Math.min(most, n * 2);
const MOST_MIB = 1_048_576;
const MOST_SECONDS = 86_400;

const memory: Rule = (sentence, _, project, step) => {
  const limit = /out of memory (?:at|\(limit) (\d+) MiB/i.exec(sentence);
  if (!limit) return null;
  const was = Number(limit[1]);
  const isApp = step === "start" || step === "check";
  const field = isApp ? "memory_mib" : "build_memory_mib";
  const next = double(Math.max(was, project[field]), MOST_MIB);
  return {
    title: isApp ? `The app ran out of memory at ${was} MiB` : `The build ran out of memory at ${was} MiB`,
    advice: isApp ? "Raise its limit." : "Raise its limit, or build on a server with more memory.",
    remedies: [
      { kind: "patch", label: `Raise the limit to ${next} MiB and deploy`, changes: { [field]: next } },
    ],
  };
};

const buildTime: Rule = (sentence, _, project) => {
  if (!/build took longer than its limit/.test(sentence)) return null;
  const next = double(project.build_seconds, MOST_SECONDS);
  return {
    title: `The build took longer than ${project.build_seconds} s`,
    advice: null,
    remedies: [
      { kind: "patch", label: `Allow ${next} s and deploy`, changes: { build_seconds: next } },
      retry,
    ],
  };
};

const rules: Rule[] = [
  memory,
  buildTime,
  (_, lines) =>
    /lockfile (had changes|is frozen)|frozen[- ]lockfile|lock file.*out of (date|sync)|npm ci.*can only install/i.test(
      lines,
    )
      ? {
          title: "The lockfile does not fit package.json",
          advice: "Run the package manager's install in your clone, commit the lockfile and push.",
          remedies: [retry],
        }
      : null,
  (_, lines, project) =>
    /script not found|missing script/i.test(lines)
      ? {
          title: "package.json has no such script",
          advice: `The build command is “${project.build_command}”. Clear it where nothing has to be built, or add the script.`,
          remedies: [settings("Change the commands"), retry],
        }
      : null,
  (_, lines) => {
    const missing = /(?:Cannot find module|Module not found:.*?resolve) ['"]([^'"\s]+)['"]/i.exec(lines);
    return missing
      ? {
          title: `The module ${missing[1]} was not found`,
          advice: "It is missing from package.json, or its path differs in upper and lower case.",
          remedies: [retry],
        }
      : null;
  },
  (_, lines) =>
    /Type error:|error TS\d+:/.test(lines)
      ? {
          title: "TypeScript found an error",
          advice: "The last lines name the file and the line. Correct it and push.",
          remedies: [retry],
        }
      : null,
  (_, lines) =>
    /(missing|required|undefined|not set|invalid).{0,40}environment variable|environment variable.{0,60}(missing|required|undefined|not set)/i.test(
      lines,
    )
      ? {
          title: "A variable of the environment is missing",
          advice: "Set it for the project, then deploy again.",
          remedies: [{ kind: "tab", label: "Open the environment", tab: "environment" }, retry],
        }
      : null,
  (sentence) =>
    /listens on port|no healthy answer/.test(sentence)
      ? {
          title: /listens on port/.test(sentence)
            ? "The app listens on another port"
            : "The app gave no healthy answer",
          advice: sentence,
          remedies: [settings("Change port or health path"), retry],
        }
      : null,
  (sentence) =>
    /has no branch|is not in branch|has no directory/.test(sentence)
      ? { title: sentence, advice: null, remedies: [settings("Change the source"), retry] }
      : null,
  (sentence) =>
    /disk of this server is nearly full/.test(sentence)
      ? {
          title: "The server's disk is nearly full",
          advice: sentence,
          remedies: [{ kind: "servers", label: "Open the servers" }],
        }
      : null,
];

export function diagnose(failure: Failure, project: Limits): Diagnosis {
  const lines = failure.last_lines.map(plain).join("\n");
  for (const rule of rules) {
    const found = rule(failure.sentence, lines, project, failure.step);
    if (found) return found;
  }
  return { title: failure.sentence, advice: null, remedies: [retry] };
}
