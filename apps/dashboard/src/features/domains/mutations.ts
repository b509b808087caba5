// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Domain, Project } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call, part, type Method } from "@/lib/api";
import { toast } from "@/lib/toast";

export type NewDomain = { name: string; redirect_to?: string; hsts?: boolean; primary?: boolean };
export type DomainChange = {
  redirect_to?: string | null;
  hsts?: boolean;
  primary?: true;
  source?: "acme";
};
export type Certificate = { chain: string; key: string };

const LATER = "Its server gets it when it is back.";

/** One act, and then the project as it is after it: its address and its other domains may have changed too. */
function useAct<V = void>(
  project: string,
  act: (value: V) => [Method, string, unknown?],
  done: (value: V) => string,
  failed?: string,
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (value: V) => {
      const [method, rest, body] = act(value);
      return call<Domain | null>(method, `/projects/${part(project)}/domains${rest}`, body);
    },
    onSuccess: async (domain, value) => {
      await client.invalidateQueries({ queryKey: ["project", project] });
      toast.success(done(value), domain?.pending ? { detail: LATER } : undefined);
    },
    // Without words of its own the error is shown in the dialog.
    onError: failed === undefined ? undefined : (error) => toast.error(failed, error),
  });
}

type Of = Pick<Project, "name">;
const at = (domain: string, rest = "") => `/${part(domain)}${rest}`;

export const useAdd = (project: Of) =>
  useAct<NewDomain>(
    project.name,
    (body) => ["POST", "", body],
    ({ name }) => `${name} was added`,
  );

export const useChange = (project: Of, domain: string) =>
  useAct<DomainChange>(
    project.name,
    (body) => ["PATCH", at(domain), body],
    () => `${domain} was changed`,
  );

/** The same from a menu: what is refused is told in a corner. */
export const useChangeNow = (project: Of, domain: string) =>
  useAct<DomainChange>(
    project.name,
    (body) => ["PATCH", at(domain), body],
    () => `${domain} was changed`,
    `${domain} was not changed`,
  );

export const useRemove = (project: Of, domain: string) =>
  useAct(
    project.name,
    () => ["DELETE", at(domain)],
    () => `${domain} was removed`,
  );

export const useCheck = (project: Of, domain: string) =>
  useAct(
    project.name,
    () => ["POST", at(domain, "/check"), {}],
    () => `${domain} is being looked at`,
    `${domain} was not looked at`,
  );

export const useAnotherCertificate = (project: Of, domain: string) =>
  useAct(
    project.name,
    () => ["POST", at(domain, "/check"), { force: true }],
    () => `Another certificate for ${domain} is asked for`,
  );

export const useOwnCertificate = (project: Of, domain: string) =>
  useAct<Certificate>(
    project.name,
    (body) => ["PUT", at(domain, "/certificate"), body],
    () => `${domain} has your certificate`,
  );
