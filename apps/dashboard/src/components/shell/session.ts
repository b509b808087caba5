// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { usePathname, useRouter } from "next/navigation";
import { useCallback, useEffect } from "react";
import { ApiError, call } from "@/lib/api";
import { me } from "@/lib/queries";
import { isSignedIn } from "@/lib/signed-in";
import { loginAddress } from "@/lib/target";
import { toast } from "@/lib/toast";

/** Who is signed in. Nobody: on to the sign-in page, and back from there. The pages are static, so this is where it is asked. */
export function useSession() {
  const router = useRouter();
  const path = usePathname();
  const query = useQuery(me());
  const out = query.error instanceof ApiError && query.error.status === 401;
  useEffect(() => {
    if (out) router.replace(loginAddress(path + window.location.search));
  }, [out, path, router]);
  const entered = query.data !== undefined && !out;
  useEffect(() => {
    if (entered) isSignedIn();
  }, [entered]);
  return { me: query.data, out };
}

export function useSignOut() {
  const client = useQueryClient();
  return useCallback(async () => {
    try {
      await call("POST", "/auth/logout");
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) {
        toast.error("You are still signed in", error instanceof Error ? error : null);
        return;
      }
    }
    client.clear();
    // A new document: nothing of this session stays in the tab's memory.
    // eslint-disable-next-line @next/next/no-location-assign-relative-destination
    window.location.assign("/login");
  }, [client]);
}
