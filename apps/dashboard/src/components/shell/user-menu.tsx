// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Me } from "@nanoscale/contracts";
import {
  ChevronsUpDownIcon,
  KeyboardIcon,
  KeyRoundIcon,
  LogOutIcon,
  MonitorIcon,
  MoonIcon,
  SunIcon,
} from "lucide-react";
import { useTheme } from "next-themes";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { useGo } from "@/lib/leave";
import { useSignOut } from "./session";

export default function UserMenu({ me, compact, onHelp }: { me: Me; compact?: boolean; onHelp: () => void }) {
  const { theme, setTheme } = useTheme();
  const go = useGo();
  const signOut = useSignOut();
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button
          variant="ghost"
          size={compact ? "icon" : "md"}
          aria-label={`Account of ${me.user.name}`}
          className={compact ? undefined : "w-full justify-start px-2"}
        >
          <span
            aria-hidden
            className="grid size-6 shrink-0 place-items-center rounded-full border bg-muted text-xs uppercase"
          >
            {me.user.name.slice(0, 1)}
          </span>
          {compact ? null : (
            <>
              <span className="truncate">{me.user.name}</span>
              <ChevronsUpDownIcon aria-hidden className="ml-auto text-muted-foreground" />
            </>
          )}
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align={compact ? "end" : "start"} className="w-54">
        <DropdownMenuLabel className="truncate">
          {me.user.name} on {me.server}
        </DropdownMenuLabel>
        <DropdownMenuItem onSelect={() => go("/settings?tab=account")}>
          <KeyRoundIcon aria-hidden /> Password and sessions
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={onHelp}>
          <KeyboardIcon aria-hidden /> Keyboard shortcuts
        </DropdownMenuItem>
        <DropdownMenuSeparator />
        <DropdownMenuLabel>Theme</DropdownMenuLabel>
        <DropdownMenuRadioGroup value={theme} onValueChange={setTheme}>
          <DropdownMenuRadioItem value="dark">
            <MoonIcon aria-hidden /> Dark
          </DropdownMenuRadioItem>
          <DropdownMenuRadioItem value="light">
            <SunIcon aria-hidden /> Light
          </DropdownMenuRadioItem>
          <DropdownMenuRadioItem value="system">
            <MonitorIcon aria-hidden /> As the system
          </DropdownMenuRadioItem>
        </DropdownMenuRadioGroup>
        <DropdownMenuSeparator />
        <DropdownMenuItem onSelect={() => void signOut()}>
          <LogOutIcon aria-hidden /> Sign out
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}
