// SPDX-License-Identifier: AGPL-3.0-or-later
import { STANDARD, type Form } from "./draft";

const word = (text: string) =>
  /^[A-Za-z0-9_./:@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

const OPTIONS: readonly [keyof Form & string, string][] = [
  ["branch", "--branch"],
  ["server", "--server"],
  ["root_directory", "--root"],
  ["install_command", "--install"],
  ["build_command", "--build"],
  ["start_command", "--start"],
  ["health_path", "--health"],
  ["memory_mib", "--memory"],
  ["cpu_percent", "--cpu"],
];

/** The same on the command line. Variables are not on it: what is typed there stays in the shell's history. */
export function cliCommand(form: Form): string[] {
  const url = form.repo_url || "https://git.example/app.git";
  const options = OPTIONS.flatMap(([field, option]) => {
    const value = form[field];
    return typeof value === "string" && value !== "" && value !== STANDARD[field]
      ? [`${option} ${word(value)}`]
      : [];
  });
  const command = ["nanoscale deploy", word(url), `--name ${form.name || "app"}`, ...options].join(" ");
  return form.env.size > 0
    ? [command, `nanoscale env set ${form.name || "app"} --file .env --restart`]
    : [command];
}
