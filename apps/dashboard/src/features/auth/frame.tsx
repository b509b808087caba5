// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useQuery } from "@tanstack/react-query";
import { SiteLogo, siteName } from "@/components/shell/site-mark";
import { authState } from "@/lib/queries";

/** Around the pages before sign-in. */
export function AuthFrame({
  title,
  intro,
  children,
}: {
  title: string;
  intro?: React.ReactNode;
  children: React.ReactNode;
}) {
  const { data } = useQuery(authState());
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-sm">
        <div className="mb-8 flex items-center gap-2.5">
          <SiteLogo site={data?.site} className="size-8" />
          <span className="truncate font-semibold tracking-tight">{siteName(data?.site)}</span>
        </div>
        <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
        {intro ? <p className="mt-1.5 text-sm text-muted-foreground">{intro}</p> : null}
        <div className="mt-6 grid gap-4">{children}</div>
      </div>
    </main>
  );
}
