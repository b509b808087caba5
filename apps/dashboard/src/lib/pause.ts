// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useState } from "react";
import { ApiError } from "./api";
import { useNow } from "./now";

/** How long the API looks at no other attempt (429 with Retry-After), in milliseconds; `note` takes what it answered. */
export function usePause() {
  const [until, setUntil] = useState(0);
  const now = useNow();
  const note = (error: Error) => {
    if (error instanceof ApiError && error.retryAfter) setUntil(Date.now() + error.retryAfter * 1000);
  };
  return { pauseMs: Math.max(0, until - now), note };
}
