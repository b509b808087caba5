// SPDX-License-Identifier: AGPL-3.0-or-later
/** The one stream of state (GET /api/events) of a tab: it writes what changed into the caches of queries.ts. */
import type { Deployment, Project, Server, Usage } from "@nanoscale/contracts";
import type { QueryClient } from "@tanstack/react-query";

export type Connection = "connecting" | "live" | "lost";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** What was read under the name that it had until now. The page that shows that goes on to the new one (useNameInAddress). */
function rename(client: QueryClient, { id, name }: Project) {
  const hadAnother = client
    .getQueriesData<Project>({ queryKey: ["project"] })
    .some(([, old]) => old?.id === id && old.name !== name);
  const listed = client.getQueryData<Project[]>(["projects"])?.find((p) => p.id === id);
  if (!hadAnother && (listed?.name ?? name) === name) return;
  client.removeQueries({
    queryKey: ["project"],
    type: "inactive",
    predicate: ({ queryKey }) => client.getQueryData<Project>(queryKey)?.id === id,
  });
  void client.invalidateQueries({ queryKey: ["deployments"] });
  void client.invalidateQueries({ queryKey: ["deployment"] });
}

export function putProject(client: QueryClient, changed: Project) {
  rename(client, changed);
  for (const [key, old] of client.getQueriesData<Project>({ queryKey: ["project"] })) {
    if (old?.id !== changed.id) continue;
    if (old.sleep.wakes.last_at !== changed.sleep.wakes.last_at)
      void client.invalidateQueries({ queryKey: ["wakes", changed.id] });
    // Only the single project has statistics; they are kept up to date by `usage`.
    client.setQueryData<Project>(key, {
      ...changed,
      statistics: changed.statistics ?? old.statistics ?? null,
    });
  }
  client.setQueryData<Project[]>(["projects"], (old) => {
    if (!old) return old;
    const index = old.findIndex((p) => p.id === changed.id);
    return old[index]?.name === changed.name
      ? old.toSpliced(index, 1, changed)
      : [...old.filter((p) => p.id !== changed.id), changed].sort((a, b) => a.name.localeCompare(b.name));
  });
}

export function dropProject(client: QueryClient, id: string) {
  const gone = client.getQueryData<Project[]>(["projects"])?.find((p) => p.id === id);
  client.setQueryData<Project[]>(["projects"], (old) => old?.filter((p) => p.id !== id));
  // Not what is known of it: a project that is made now may have the name.
  if (gone) void client.resetQueries({ queryKey: ["project", gone.name] });
}

export function putServer(client: QueryClient, changed: Server) {
  client.setQueryData<Server[]>(["servers"], (old) => {
    if (!old) return old;
    const index = old.findIndex((s) => s.id === changed.id);
    return index < 0 ? [...old, changed] : old.toSpliced(index, 1, changed);
  });
}

export function putDeployment(client: QueryClient, changed: Deployment) {
  // What only the single deployment has (its steps) stays until the next answer has it anew.
  client.setQueryData<Deployment>(["deployment", changed.id], (old) => (old ? { ...old, ...changed } : old));
  void client.invalidateQueries({ queryKey: ["deployments"] });
  if (changed.state === "live") void client.invalidateQueries({ queryKey: ["releases", changed.project_id] });
}

export function putUsage(client: QueryClient, usage: Usage) {
  const byServer = new Map(usage.servers.map((s) => [s.id, s]));
  const byProject = new Map(usage.projects.map((p) => [p.id, p]));
  client.setQueryData<Server[]>(["servers"], (old) =>
    old?.map((s) => {
      const now = byServer.get(s.id);
      if (!now) return s;
      const { id, seen_at, ...statistics } = now;
      return {
        ...s,
        id,
        seen_at: seen_at ?? s.seen_at,
        statistics: s.statistics && { ...s.statistics, ...statistics },
      };
    }),
  );
  client.setQueryData<Project[]>(["projects"], (old) =>
    old?.map((p) => {
      const now = byProject.get(p.id);
      return now && now.memory_bytes !== p.memory_bytes ? { ...p, memory_bytes: now.memory_bytes } : p;
    }),
  );
  client.setQueriesData<Project>({ queryKey: ["project"] }, (old) => {
    const now = old && byProject.get(old.id);
    if (!now) return old;
    const { memory_bytes, cpu_percent } = now;
    return {
      ...old,
      memory_bytes,
      statistics: old.statistics && { ...old.statistics, memory_bytes, cpu_percent },
    };
  });
}

/** Follows until the returned function is called. After a break the lists are read anew: the stream replays nothing. */
export function follow(client: QueryClient, onConnection: (connection: Connection) => void): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = FIRST_PAUSE_MS;
  let broken = false;

  const on = <T>(name: string, take: (client: QueryClient, data: T) => void) =>
    source?.addEventListener(name, (event: MessageEvent<string>) =>
      take(client, JSON.parse(event.data) as T),
    );

  const open = () => {
    onConnection(broken ? "lost" : "connecting");
    source = new EventSource("/api/events");
    source.addEventListener("ready", () => {
      if (broken) void client.invalidateQueries();
      broken = false;
      pause = FIRST_PAUSE_MS;
      onConnection("live");
    });
    on<Project>("project", putProject);
    on<{ id: string }>("project-removed", (c, { id }) => dropProject(c, id));
    on<Server>("server", putServer);
    on<{ id: string }>("server-removed", (c, { id }) =>
      c.setQueryData<Server[]>(["servers"], (old) => old?.filter((s) => s.id !== id)),
    );
    on<Deployment>("deployment", putDeployment);
    on<Usage>("usage", putUsage);
    source.onerror = () => {
      // The browser gives up on an answer like 502; so do we, and come back by ourselves.
      source?.close();
      broken = true;
      onConnection("lost");
      timer = setTimeout(open, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      // A session that has ended is found out by asking.
      void client.invalidateQueries({ queryKey: ["me"] });
    };
  };

  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}
