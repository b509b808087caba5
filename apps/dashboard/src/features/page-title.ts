// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useEffect } from "react";

/** Of pages whose title has a name in it, which the export cannot know. */
export function usePageTitle(title: string | null | undefined) {
  useEffect(() => {
    if (title) document.title = `${title} · NanoScale`;
  }, [title]);
}
