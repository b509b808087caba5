// SPDX-License-Identifier: AGPL-3.0-or-later
/** Every question that the dashboard asks, with its key in the cache: /api/events (events.ts) writes under the same keys. */
import type {
  ApiToken,
  AuditEntry,
  AuthState,
  Deployment,
  Domain,
  Env,
  Me,
  Project,
  ProjectSeries,
  Range,
  Release,
  Server,
  ServerSeries,
  Session,
  Settings,
  Wake,
} from "@nanoscale/contracts";
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { ApiError, get as getNow, part } from "./api";
import { untilSignedIn } from "./signed-in";

const get = <T>(path: string, signal: AbortSignal) => untilSignedIn().then(() => getNow<T>(path, signal));

export const authState = () =>
  queryOptions({ queryKey: ["auth"], queryFn: ({ signal }) => getNow<AuthState>("/auth/state", signal) });
export const me = () =>
  queryOptions({ queryKey: ["me"], queryFn: ({ signal }) => getNow<Me>("/me", signal) });
export const settings = () =>
  queryOptions({ queryKey: ["settings"], queryFn: ({ signal }) => get<Settings>("/settings", signal) });
export const sessions = () =>
  queryOptions({
    queryKey: ["sessions"],
    queryFn: async ({ signal }) => (await get<{ sessions: Session[] }>("/me/sessions", signal)).sessions,
  });
export const apiTokens = () =>
  queryOptions({
    queryKey: ["tokens"],
    queryFn: async ({ signal }) => (await get<{ tokens: ApiToken[] }>("/tokens", signal)).tokens,
  });

/** Of no project: the dashboard's, and * below the base domain. */
export const ownNames = () =>
  queryOptions({
    queryKey: ["own-names"],
    queryFn: async ({ signal }) =>
      (await get<{ domains: (Domain & { project: string | null })[] }>("/domains", signal)).domains.filter(
        (d) => d.project === null,
      ),
  });

export const servers = () =>
  queryOptions({
    queryKey: ["servers"],
    queryFn: async ({ signal }) => (await get<{ servers: Server[] }>("/servers", signal)).servers,
  });
export const serverSeries = (id: string, range: Range) =>
  queryOptions({
    queryKey: ["server-series", id, range],
    queryFn: ({ signal }) => get<ServerSeries>(`/servers/${part(id)}/statistics?range=${range}`, signal),
  });

/** All of them, page by page: the list, the palette and the counts need them all. */
async function allProjects(signal: AbortSignal) {
  const all: Project[] = [];
  for (let after: string | null = ""; after !== null;) {
    const page: { projects: Project[]; next: string | null } = await get(
      `/projects?limit=200${after ? `&after=${part(after)}` : ""}`,
      signal,
    );
    all.push(...page.projects);
    after = page.next;
  }
  return all;
}
export const projects = () =>
  queryOptions({ queryKey: ["projects"], queryFn: ({ signal }) => allProjects(signal) });
/** Once it is known, by its id: it may have got another name while nobody was told. */
export const project = (name: string) =>
  queryOptions({
    queryKey: ["project", name],
    queryFn: async ({ client, signal }): Promise<Project> => {
      const known = client.getQueryData<Project>(["project", name]);
      try {
        return await get<Project>(`/projects/${part(known?.id ?? name)}`, signal);
      } catch (error) {
        if (!known || !(error instanceof ApiError && error.status === 404)) throw error;
        return get<Project>(`/projects/${part(name)}`, signal);
      }
    },
  });
/* By the project's id, not its name: another project may have the name next, and must not be shown with what is kept of this one. */
export const projectSeries = (id: string, range: Range) =>
  queryOptions({
    queryKey: ["project-series", id, range],
    queryFn: ({ signal }) => get<ProjectSeries>(`/projects/${part(id)}/statistics?range=${range}`, signal),
  });
export const releases = (id: string) =>
  queryOptions({
    queryKey: ["releases", id],
    queryFn: async ({ signal }) =>
      (await get<{ releases: Release[] }>(`/projects/${part(id)}/releases`, signal)).releases,
  });
export const wakes = (id: string) =>
  queryOptions({
    queryKey: ["wakes", id],
    queryFn: async ({ signal }) =>
      (await get<{ wakes: Wake[] }>(`/projects/${part(id)}/wakes`, signal)).wakes,
  });
export const env = (id: string) =>
  queryOptions({
    queryKey: ["env", id],
    queryFn: ({ signal }) => get<Env>(`/projects/${part(id)}/env`, signal),
  });

export const recentDeployments = (limit = 10) =>
  queryOptions({
    queryKey: ["deployments", "recent", limit],
    queryFn: async ({ signal }) =>
      (await get<{ deployments: Deployment[] }>(`/deployments?limit=${limit}`, signal)).deployments,
  });
type DeploymentPage = { deployments: Deployment[]; next: number | null };
/** Those of one project, newest first, as far back as somebody asks. */
export const deploymentPages = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["deployments", "of", id],
    initialPageParam: null as number | null,
    queryFn: ({ signal, pageParam }) =>
      get<DeploymentPage>(
        `/projects/${part(id)}/deployments?limit=20${pageParam === null ? "" : `&before=${pageParam}`}`,
        signal,
      ),
    getNextPageParam: (page) => page.next,
  });
export const deployment = (id: string) =>
  queryOptions({
    queryKey: ["deployment", id],
    queryFn: ({ signal }) => get<Deployment>(`/deployments/${part(id)}`, signal),
  });

type AuditPage = { entries: AuditEntry[]; next: number | null };
/** The audit log, newest first, as far back as somebody scrolls. */
export const auditPages = (filters: URLSearchParams) =>
  infiniteQueryOptions({
    queryKey: ["audit", filters.toString()],
    initialPageParam: null as number | null,
    queryFn: ({ signal, pageParam }) => {
      const params = new URLSearchParams(filters);
      if (pageParam !== null) params.set("before", String(pageParam));
      return get<AuditPage>(`/audit?${params.toString()}`, signal);
    },
    getNextPageParam: (page) => page.next,
  });
