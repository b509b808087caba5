// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Me } from "@nanoscale/contracts";
import { MenuIcon, SearchIcon, XIcon } from "lucide-react";
import Link from "next/link";
import { useEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { NavLinks } from "./sidebar";
import { SiteLogo, siteName } from "./site-mark";

/** In place of the sidebar below 768 px: its links fold out under the bar. */
export function PhoneHeader({
  me,
  onSearch,
  userMenu,
}: {
  me: Me | undefined;
  onSearch: () => void;
  userMenu: React.ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      button.current?.focus();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [open]);
  return (
    <header className="border-b bg-surface md:hidden">
      <div className="flex items-center gap-1 px-2 py-1.5">
        <Button
          ref={button}
          variant="ghost"
          size="icon"
          aria-label="Menu"
          aria-expanded={open}
          aria-controls="phone-menu"
          onClick={() => setOpen(!open)}
        >
          {open ? <XIcon aria-hidden /> : <MenuIcon aria-hidden />}
        </Button>
        <Link href="/" className="flex min-w-0 items-center gap-2 px-1 font-semibold tracking-tight">
          <SiteLogo site={me?.site} />
          <span className="truncate">{siteName(me?.site)}</span>
        </Link>
        <Button variant="ghost" size="icon" className="ml-auto" aria-label="Search" onClick={onSearch}>
          <SearchIcon aria-hidden />
        </Button>
        {userMenu}
      </div>
      <div id="phone-menu" hidden={!open} className="border-t p-2">
        <NavLinks onNavigate={() => setOpen(false)} />
      </div>
    </header>
  );
}
