// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Server } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call, part } from "@/lib/api";
import { putServer } from "@/lib/events";
import { toast } from "@/lib/toast";

const path = (server: Server, act = "") => `/servers/${part(server.id)}${act}`;

export function useUndrain(server: Server) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call<Server>("POST", path(server, "/undrain")),
    onSuccess: (changed) => {
      putServer(client, changed);
      toast.success(`${server.name} takes projects again`);
    },
    onError: (error) => toast.error(`${server.name} is still drained`, error),
  });
}

export function useRotateKey(server: Server) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call<Server>("POST", path(server, "/rotate-key")),
    onSuccess: (changed) => {
      putServer(client, changed);
      toast.success(`${server.name} has another key`);
    },
    onError: (error) => toast.error(`The key of ${server.name} has not been changed`, error),
  });
}

export function useDrain(server: Server) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (lingerSeconds: number) =>
      call<Server & { moving: number }>("POST", path(server, "/drain"), { linger_seconds: lingerSeconds }),
    onSuccess: ({ moving, ...changed }) => {
      putServer(client, changed);
      void client.invalidateQueries({ queryKey: ["projects"] });
      toast.success(
        moving > 0 ? `${server.name} is being drained` : `${server.name} takes no new projects`,
        moving > 0 ? { detail: moving === 1 ? "One project moves." : `${moving} projects move.` } : undefined,
      );
    },
  });
}

export function useRemove(server: Server) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (force: boolean) => call<null>("DELETE", path(server, force ? "?force=1" : "")),
    onSuccess: () => {
      client.setQueryData<Server[]>(["servers"], (old) => old?.filter((s) => s.id !== server.id));
      void client.invalidateQueries({ queryKey: ["projects"] });
      toast.success(`${server.name} has been removed`);
    },
  });
}
