// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Me } from "@nanoscale/contracts";
import { SearchIcon } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { Kbd } from "@/components/ui/kbd";
import { Skeleton } from "@/components/ui/skeleton";
import { cn } from "@/lib/cn";
import { isActive, NAV } from "./nav";
import { SiteLogo, siteName } from "./site-mark";

export function NavLinks({ onNavigate }: { onNavigate?: () => void }) {
  const path = usePathname();
  return (
    <nav aria-label="Main" className="grid gap-0.5">
      {NAV.map(({ href, label, icon: Icon }) => {
        const active = isActive(href, path);
        return (
          <Link
            key={href}
            href={href}
            onClick={onNavigate}
            aria-current={active ? "page" : undefined}
            className={cn(
              "flex items-center gap-2.5 rounded-md px-2.5 py-1.5 text-sm text-muted-foreground hover:bg-muted hover:text-foreground pointer-coarse:min-h-11",
              active && "bg-muted font-medium text-foreground",
            )}
          >
            <Icon aria-hidden className={cn("size-4", active && "text-primary")} />
            {label}
          </Link>
        );
      })}
    </nav>
  );
}

export function Sidebar({
  me,
  onSearch,
  userMenu,
}: {
  me: Me | undefined;
  onSearch: () => void;
  userMenu: React.ReactNode;
}) {
  return (
    <aside className="hidden border-r bg-surface md:block">
      <div className="sticky top-0 flex h-dvh flex-col gap-4 p-3">
        <Link
          href="/"
          className="flex min-w-0 items-center gap-2 rounded-md px-2 py-1.5 font-semibold tracking-tight"
        >
          <SiteLogo site={me?.site} />
          <span className="truncate">{siteName(me?.site)}</span>
        </Link>
        <button
          type="button"
          onClick={onSearch}
          className="flex h-9 items-center gap-2 rounded-md border bg-background px-2.5 text-sm text-muted-foreground hover:text-foreground"
        >
          <SearchIcon aria-hidden className="size-4" />
          Search
          <Kbd className="ml-auto">Ctrl K</Kbd>
        </button>
        <NavLinks />
        <div className="mt-auto grid gap-2">
          <div className="min-h-9">{userMenu}</div>
          <div className="px-2 text-xs text-muted-foreground">
            {me ? <>NanoScale {me.version}</> : <Skeleton className="my-0.5 h-3 w-24" />}
          </div>
        </div>
      </div>
    </aside>
  );
}
