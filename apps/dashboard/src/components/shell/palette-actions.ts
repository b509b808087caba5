// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Deployment } from "@nanoscale/contracts";
import { call, part } from "@/lib/api";
import { toast } from "@/lib/toast";

type Go = (href: string) => void;

async function begin(what: "deployments" | "restart", name: string, begun: string, refused: string, go: Go) {
  try {
    const { id } = await call<Deployment>("POST", `/projects/${part(name)}/${what}`, {});
    const href = `/projects/${part(name)}/deployments/${part(id)}`;
    toast.success(begun, { action: { label: "Watch it", run: () => go(href) } });
  } catch (error) {
    toast.error(refused, error instanceof Error ? error : null);
  }
}

export const deploy = (name: string, go: Go) =>
  begin("deployments", name, `${name} is being deployed`, `${name} was not deployed`, go);
export const restart = (name: string, go: Go) =>
  begin("restart", name, `${name} is being restarted`, `${name} was not restarted`, go);
