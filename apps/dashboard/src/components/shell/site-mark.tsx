// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Site } from "@nanoscale/contracts";
import { cn } from "@/lib/cn";

/** The site's own name and picture, or ours. */
export function SiteLogo({ site, className }: { site: Site | undefined; className?: string }) {
  if (site?.has_logo) {
    return (
      // The picture is the API's own, small and already fit: nothing for an image optimiser.
      // eslint-disable-next-line @next/next/no-img-element
      <img
        src="/api/site/logo"
        alt=""
        className={cn("size-6 shrink-0 rounded-md object-contain", className)}
      />
    );
  }
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
