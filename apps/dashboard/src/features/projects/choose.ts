// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Project } from "@nanoscale/contracts";
import type { StatusKey } from "@/components/ui/status";

/** One word for how a project is: its kind of sleep says more than that it sleeps. */
export function statusOfProject(project: Project): StatusKey {
  const kind = project.sleep.kind;
  if (project.status === "live") return kind === "dozing" ? "dozing" : "live";
  if (project.status === "sleeping") return kind ?? "sleeping";
  return project.status;
}

/** To another server, its old place included: until that is removed, it can be neither deployed nor deleted. */
export const isMoving = ({ move }: Pick<Project, "move">) => move !== undefined && move.state !== "failed";

export const GROUPS = [
  { value: "all", label: "All" },
  { value: "serving", label: "Live" },
  { value: "sleeping", label: "Sleeping" },
  { value: "trouble", label: "Trouble" },
] as const;
export type Group = (typeof GROUPS)[number]["value"];

export const isGroup = (text: string | null): text is Group => GROUPS.some((group) => group.value === text);

function isIn(project: Project, group: Group): boolean {
  if (group === "all") return true;
  if (group === "serving") return project.status === "live" || project.status === "deploying";
  if (group === "sleeping") return project.status === "sleeping" || project.sleep.kind === "dozing";
  return project.status === "crashed" || project.status === "failed" || project.status === "unreachable";
}

/** Every word of the search is somewhere in what the row shows. */
export function choose(projects: readonly Project[], search: string, group: Group): Project[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return projects.filter((p) => {
    if (!isIn(p, group)) return false;
    const text = `${p.name} ${p.repo_url} ${p.branch} ${p.host} ${p.server}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
