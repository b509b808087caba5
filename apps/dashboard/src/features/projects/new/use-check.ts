// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { RepositoryCheck } from "@nanoscale/contracts";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call } from "@/lib/api";
import { isRepositoryUrl } from "./draft";

const TYPING_MS = 600;

function useLate<T>(value: T, ms: number): T {
  const [late, setLate] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLate(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return late;
}

/** What a build would find there, asked when the typing pauses. A question that is out of date is taken back. */
export function useRepositoryCheck(url: string, branch: string | undefined, root: string | undefined) {
  const asked = JSON.stringify({
    repo_url: url,
    ...(branch ? { branch } : {}),
    ...(root ? { root_directory: root } : {}),
  });
  const late = useLate(asked, TYPING_MS);
  const isUrl = isRepositoryUrl(url);
  const check = useQuery({
    queryKey: ["repository", late],
    queryFn: ({ signal }) => call<RepositoryCheck>("POST", "/repositories/check", JSON.parse(late), signal),
    enabled: isUrl && late === asked,
    retry: false,
    staleTime: 60_000,
    // Of the same repository with another branch: the form keeps what was found until there is better.
    placeholderData: (old, query) =>
      query && sameRepository(String(query.queryKey[1]), late) ? keepPreviousData(old) : undefined,
  });
  return {
    found: isUrl && !check.isError ? check.data : undefined,
    isChecking: isUrl && (late !== asked || check.isFetching),
    error: isUrl && late === asked && !check.isFetching ? check.error : null,
    retry: () => void check.refetch(),
  };
}

function sameRepository(a: string, b: string): boolean {
  const url = (text: string) => (JSON.parse(text) as { repo_url: string }).repo_url;
  return url(a) === url(b);
}
