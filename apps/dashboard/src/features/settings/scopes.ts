// SPDX-License-Identifier: AGPL-3.0-or-later
import type { TokenScope } from "@nanoscale/contracts";

/** What a token may do, as docs/api.md says. */
export const SCOPES: readonly { value: TokenScope; label: string; words: string }[] = [
  { value: "read", label: "Read", words: "See everything: projects, servers, deployments and logs." },
  {
    value: "deploy",
    label: "Deploy",
    words: "Also deploy, roll back, restart, put to sleep, wake and cancel.",
  },
  {
    value: "admin",
    label: "Admin",
    words: "Everything but accounts: neither password, sessions nor tokens.",
  },
];

export const scopeLabel = (scope: TokenScope) => SCOPES.find((s) => s.value === scope)?.label ?? scope;

/** Days until a token ends; null: never. */
export const LIFETIMES: readonly { days: number | null; label: string }[] = [
  { days: 7, label: "7 days" },
  { days: 30, label: "30 days" },
  { days: 90, label: "90 days" },
  { days: 365, label: "A year" },
  { days: null, label: "Never" },
];
