// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Me } from "@nanoscale/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { ApiError, call } from "@/lib/api";
import { useNow } from "@/lib/now";
import { me } from "@/lib/queries";
import { safeTarget } from "@/lib/target";

/** Signs in by `path`, and goes to where the person wanted to be. */
export function useEnter<Body>(path: "/auth/login" | "/auth/setup") {
  const client = useQueryClient();
  const router = useRouter();
  const [pausedUntil, setPausedUntil] = useState(0);
  const now = useNow();
  const enter = useMutation<Me, Error, Body>({
    mutationFn: (body) => call<Me>("POST", path, body),
    onSuccess: (entered) => {
      client.clear();
      client.setQueryData(me().queryKey, entered);
      router.replace(safeTarget(new URLSearchParams(window.location.search).get("to")));
    },
    onError: (error) => {
      if (error instanceof ApiError && error.retryAfter) setPausedUntil(Date.now() + error.retryAfter * 1000);
    },
  });
  const pauseMs = Math.max(0, pausedUntil - now);
  return {
    enter,
    /** Longer than 0: the API would not look at another attempt before that. */
    pauseMs,
    refusal: enter.error instanceof ApiError ? enter.error : null,
  };
}
