// SPDX-License-Identifier: AGPL-3.0-or-later
import { cn } from "@/lib/cn";

/** Nothing there yet: one sentence, and the next step. */
export function Empty({
  icon,
  title,
  children,
  action,
  className,
}: {
  icon: React.ReactNode;
  title: string;
  children?: React.ReactNode;
  action?: React.ReactNode;
  className?: string;
}) {
  return (
    <div className={cn("flex flex-col items-center gap-3 px-6 py-14 text-center", className)}>
      <div className="grid size-11 place-items-center rounded-full border bg-elevated text-muted-foreground [&_svg]:size-5">
        {icon}
      </div>
      <h2 className="font-medium">{title}</h2>
      {children ? <p className="max-w-sm text-sm text-balance text-muted-foreground">{children}</p> : null}
      {action}
    </div>
  );
}
