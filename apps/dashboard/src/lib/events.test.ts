// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Project } from "@nanoscale/contracts";
import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { putProject } from "./events";

const project = (id: string, name: string) =>
  ({ id, name, sleep: { wakes: { last_at: null } } }) as unknown as Project;

/** With the page of one of them open. */
function clientWith(open: Project, ...others: Project[]) {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } });
  const all = [open, ...others];
  client.setQueryData(["projects"], all);
  for (const p of all) client.setQueryData(["project", p.name], p);
  new QueryObserver(client, { queryKey: ["project", open.name], queryFn: () => open }).subscribe(
    () => undefined,
  );
  return client;
}
const names = (client: QueryClient) => client.getQueryData<Project[]>(["projects"])?.map((p) => p.name);

describe("a project that gets another name", () => {
  it("stands in the list once, at its new place", () => {
    const client = clientWith(project("1", "blog"), project("2", "docs"), project("3", "shop"));
    putProject(client, project("1", "store"));
    expect(names(client)).toEqual(["docs", "shop", "store"]);
  });

  it("is told to its open page, which has the old name in its address", () => {
    const client = clientWith(project("1", "blog"));
    putProject(client, project("1", "store"));
    expect(client.getQueryData<Project>(["project", "blog"])?.name).toBe("store");
  });

  it("leaves nothing under its old name that another project of that name would be shown with", () => {
    const client = clientWith(project("2", "docs"), project("1", "blog"));
    putProject(client, project("1", "store"));
    expect(client.getQueryData(["project", "blog"])).toBeUndefined();
    expect(client.getQueryData<Project>(["project", "docs"])?.name).toBe("docs");
  });
});

it("changes a project where it stands", () => {
  const client = clientWith(project("1", "blog"), project("2", "docs"));
  putProject(client, { ...project("1", "blog"), branch: "next" });
  expect(names(client)).toEqual(["blog", "docs"]);
  expect(client.getQueryData<Project>(["project", "blog"])?.branch).toBe("next");
});
