// SPDX-License-Identifier: AGPL-3.0-or-later
import { BoxesIcon, HomeIcon, ScrollTextIcon, ServerIcon, SettingsIcon, type LucideIcon } from "lucide-react";

/** The pages of the menu. `key` follows `g`: g p opens the projects. */
export const NAV: readonly { href: string; label: string; icon: LucideIcon; key: string }[] = [
  { href: "/", label: "Overview", icon: HomeIcon, key: "o" },
  { href: "/projects", label: "Projects", icon: BoxesIcon, key: "p" },
  { href: "/servers", label: "Servers", icon: ServerIcon, key: "s" },
  { href: "/activity", label: "Activity", icon: ScrollTextIcon, key: "a" },
  { href: "/settings", label: "Settings", icon: SettingsIcon, key: "e" },
];

export const isActive = (href: string, path: string) =>
  href === "/" ? path === "/" : path === href || path.startsWith(`${href}/`);
