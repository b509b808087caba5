// SPDX-License-Identifier: AGPL-3.0-or-later
import { cn } from "@/lib/cn";

/** Nothing there yet: one sentence, and the next step. */
export function Empty({
  icon,
  title,
  children,
  action,
  isPage,
  className,
}: {
  icon: React.ReactNode;
  title: string;
  children?: React.ReactNode;
  action?: React.ReactNode;
  /** It is all that the page shows: its title is the page's. */
  isPage?: boolean;
  className?: string;
}) {
  const Heading = isPage ? "h1" : "h2";
  return (
    <div className={cn("flex flex-col items-center gap-3 px-6 py-14 text-center", className)}>
      <div className="grid size-11 place-items-center rounded-full border bg-elevated text-muted-foreground [&_svg]:size-5">
        {icon}
      </div>
      <Heading className="font-medium">{title}</Heading>
      {children ? <p className="max-w-sm text-sm text-balance text-muted-foreground">{children}</p> : null}
      {action}
    </div>
  );
}
