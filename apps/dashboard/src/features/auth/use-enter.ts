// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Me } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { ApiError, call } from "@/lib/api";
import { usePause } from "@/lib/pause";
import { me } from "@/lib/queries";
import { safeTarget } from "@/lib/target";

/** Signs in by `path`, and goes to where the person wanted to be. */
export function useEnter<Body>(path: "/auth/login" | "/auth/setup") {
  const client = useQueryClient();
  const router = useRouter();
  const { pauseMs, note } = usePause();
  const enter = useMutation<Me, Error, Body>({
    mutationFn: (body) => call<Me>("POST", path, body),
    onSuccess: (entered) => {
      client.clear();
      client.setQueryData(me().queryKey, entered);
      router.replace(safeTarget(new URLSearchParams(window.location.search).get("to")));
    },
    onError: note,
  });
  return {
    enter,
    /** Longer than 0: the API would not look at another attempt before that. */
    pauseMs,
    refusal: enter.error instanceof ApiError ? enter.error : null,
  };
}
