// SPDX-License-Identifier: AGPL-3.0-or-later
/** The sections of the settings, in the address as ?tab=, and what does the same on the command line. */
export const SECTIONS = [
  { value: "general", label: "General" },
  { value: "account", label: "Account" },
  { value: "sessions", label: "Sessions" },
  { value: "tokens", label: "API tokens" },
  { value: "second-factor", label: "Second factor" },
  { value: "metrics", label: "Metrics" },
] as const;
export type Section = (typeof SECTIONS)[number]["value"];

export const isSection = (text: string | null): text is Section => SECTIONS.some((s) => s.value === text);

const RESET = "nanoscale claim --reset";

/** Without a note: the command does the same. */
export const COMMANDS: Record<Section, { command: string | string[]; note?: string }> = {
  general: {
    command: "systemctl restart nanoscale-agent",
    note: "Name and logo are set here alone. What config.json says counts once the agent has started anew:",
  },
  account: { command: RESET, note: "A forgotten password is set anew with the code that this prints:" },
  sessions: {
    command: "nanoscale audit --action auth",
    note: "Sessions are of the dashboard alone. Who signed in, and who tried to, is shown by:",
  },
  tokens: {
    command: [
      "nanoscale tokens list",
      "nanoscale tokens create NAME --scope read --days 90",
      "nanoscale tokens revoke NAME",
    ],
  },
  "second-factor": {
    command: RESET,
    note: "Without the app and the recovery codes, the code that this prints removes the second factor and sets the password anew:",
  },
  metrics: { command: ["nanoscale metrics token", "nanoscale metrics off"] },
};
