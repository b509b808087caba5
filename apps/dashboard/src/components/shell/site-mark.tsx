// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Site } from "@nanoscale/contracts";
import { useQuery } from "@tanstack/react-query";
import { cn } from "@/lib/cn";
import { settings } from "@/lib/queries";

/** Of the API or chosen just now, small and already fit: nothing for an image optimiser. */
export function SitePicture({ src, className }: { src: string; className?: string }) {
  // eslint-disable-next-line @next/next/no-img-element
  return <img src={src} alt="" className={cn("size-6 shrink-0 rounded-md object-contain", className)} />;
}

/** The site's own name and picture, or ours. */
export function SiteLogo({ site, className }: { site: Site | undefined; className?: string }) {
  // The settings page has the picture itself: the new one is seen at once where the address stays the same.
  const known = useQuery({ ...settings(), enabled: false }).data?.logo;
  if (site?.has_logo) return <SitePicture src={known ?? "/api/site/logo"} className={className} />;
  return (
    <svg aria-hidden viewBox="0 0 24 24" className={cn("size-6 shrink-0", className)}>
      <rect width="24" height="24" rx="6" className="fill-primary" />
      <path
        d="M7.5 16.5v-9l9 9v-9"
        fill="none"
        strokeWidth="2.25"
        strokeLinecap="round"
        strokeLinejoin="round"
        className="stroke-primary-foreground"
      />
    </svg>
  );
}

export const siteName = (site: Site | undefined) => site?.name || "NanoScale";
