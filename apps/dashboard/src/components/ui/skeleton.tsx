// SPDX-License-Identifier: AGPL-3.0-or-later
import { cn } from "@/lib/cn";

/** In the shape of what will be there, so that nothing moves when it comes. */
export function Skeleton({ className, ...p }: React.ComponentProps<"div">) {
  return <div aria-hidden className={cn("animate-pulse rounded-md bg-muted", className)} {...p} />;
}
