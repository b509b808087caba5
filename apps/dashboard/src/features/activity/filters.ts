// SPDX-License-Identifier: AGPL-3.0-or-later
/** What the audit log is asked for; kept in the address, so that a filtered view can be sent to somebody. */
export type Filters = { actor: string; action: string; project: string };

export const NO_FILTERS: Filters = { actor: "", action: "", project: "" };

/** First parts of the API's words for actions (docs/api.md), with ours for people. */
export const AREAS: readonly { value: string; label: string }[] = [
  { value: "", label: "Everything" },
  { value: "project", label: "Projects" },
  { value: "deployment", label: "Deployments" },
  { value: "domain", label: "Domains" },
  { value: "server", label: "Servers" },
  { value: "cluster", label: "Joining" },
  { value: "auth", label: "Sign-in" },
  { value: "account", label: "Account" },
  { value: "token", label: "API tokens" },
  { value: "settings", label: "Settings" },
];

export function filtersFrom(params: URLSearchParams): Filters {
  return {
    actor: params.get("actor") ?? "",
    action: params.get("action") ?? "",
    project: params.get("project") ?? "",
  };
}

/** Without what is empty; more is added by the caller. */
export function toParams(filters: Filters): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    const text = value.trim();
    if (text) params.set(name, text);
  }
  return params;
}

/** "project.deploy" as people say it. A word that is new to this page is still readable. */
export function actionLabel(action: string): string {
  const [area, verb = ""] = action.split(".", 2);
  const words = verb.replaceAll("-", " ");
  const text = `${area ?? ""} ${words}`.trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
