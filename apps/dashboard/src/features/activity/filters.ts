// SPDX-License-Identifier: AGPL-3.0-or-later
/** What the audit log is asked for; kept in the address, so that a filtered view can be sent to somebody. */
export type Filters = { actor: string; action: string; project: string };

export const NO_FILTERS: Filters = { actor: "", action: "", project: "" };

/** First parts of the API's words for actions (docs/api.md), with ours for people. */
export const AREAS: readonly { value: string; label: string }[] = [
  { value: "", label: "Everything" },
  { value: "project", label: "Projects" },
  { value: "deployment", label: "Canceled deployments" },
  { value: "domain", label: "Domains" },
  { value: "server", label: "Servers" },
  { value: "cluster", label: "Joining" },
  { value: "auth", label: "Sign-in" },
  { value: "account", label: "Account" },
  { value: "token", label: "API tokens" },
  { value: "metrics", label: "Metrics tokens" },
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

/** The API’s words for actions, as people say them: of something that was done, or refused. */
const LABELS: Record<string, string> = {
  "project.create": "New project",
  "project.change": "Change of settings",
  "project.delete": "Deletion of a project",
  "project.move": "Move to another server",
  "project.deploy": "Deployment",
  "project.rollback": "Rollback",
  "project.restart": "Restart",
  "project.sleep": "Sleep",
  "project.wake": "Wake",
  "project.env": "Change of variables",
  "project.take-over": "Arrival from another server",
  "deployment.cancel": "Cancellation of a deployment",
  "domain.add": "New domain",
  "domain.change": "Change of a domain",
  "domain.delete": "Removal of a domain",
  "domain.check": "Check of a domain",
  "domain.certificate": "Own certificate of a domain",
  "server.remove": "Removal of a server",
  "server.drain": "Drain of a server",
  "server.undrain": "End of a drain",
  "server.rotate-key": "New key of a server",
  "cluster.generate-token": "Command for a new server",
  "cluster.join": "Join of a server",
  "repository.check": "Look at a repository",
  "settings.change": "Change of the site",
  "auth.claim": "Claim code",
  "auth.setup": "Set-up of the account",
  "auth.login": "Sign-in",
  "auth.logout": "Sign-out",
  "account.password": "Change of the password",
  "account.end-session": "End of a session",
  "account.second-factor": "Begin of a second factor",
  "account.confirm-second-factor": "Second factor on",
  "account.remove-second-factor": "Second factor off",
  "token.create": "New API token",
  "token.revoke": "End of an API token",
  "metrics.token": "New metrics token",
  "metrics.no-token": "End of the metrics token",
};

/** A word that is new to this page is still readable. */
export function actionLabel(action: string): string {
  const text = action.replaceAll(/[.-]/g, " ");
  return LABELS[action] ?? text.charAt(0).toUpperCase() + text.slice(1);
}

/** The same on the command line. */
export function auditCommand(filters: Filters): string {
  const words = Object.entries(filters).flatMap(([name, value]) =>
    value.trim() ? [`--${name} ${/^[\w.-]+$/.test(value.trim()) ? value.trim() : `'${value.trim()}'`}`] : [],
  );
  return ["nanoscale audit", ...words].join(" ");
}
