// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project } from "@nanoscale/contracts";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { part } from "@/lib/api";
import { replaceAddress } from "@/lib/leave";

/**
 * A page below /projects/NAME goes on under the project's name of now, when it gets another one, or where the address has its id.
 * What is half-typed in it stays.
 */
export function useNameInAddress(asked: string, project: Project | undefined) {
  const client = useQueryClient();
  useEffect(() => {
    if (!project || project.name === asked) return;
    client.setQueryData(["project", project.name], project);
    const rest = window.location.pathname.split("/").slice(3);
    replaceAddress(["/projects", part(project.name), ...rest].join("/"));
  }, [client, asked, project]);
  // Another project may be called so by the time somebody looks there again.
  useEffect(
    () => () =>
      client.removeQueries({
        queryKey: ["project", asked],
        predicate: ({ queryKey }) => {
          const name = client.getQueryData<Project>(queryKey)?.name;
          return name !== undefined && name !== asked;
        },
      }),
    [client, asked],
  );
}
