// SPDX-License-Identifier: AGPL-3.0-or-later
import { RotateCwIcon, TriangleAlertIcon } from "lucide-react";
import { cn } from "@/lib/cn";
import { Button } from "./button";

/** What went wrong, in place of what would be there, in the words of whoever refused. */
export function Problem({
  title = "This could not be loaded",
  error,
  onRetry,
  busy,
  isPage,
  className,
}: {
  title?: string;
  error: Error | null;
  onRetry?: () => void;
  busy?: boolean;
  /** It is all that the page shows: its title is the page's. */
  isPage?: boolean;
  className?: string;
}) {
  const Heading = isPage ? "h1" : "h2";
  return (
    <div role="alert" className={cn("flex flex-col items-center gap-3 px-6 py-10 text-center", className)}>
      <TriangleAlertIcon aria-hidden className="size-6 text-danger" />
      <Heading className="font-medium">{title}</Heading>
      {error ? <p className="max-w-md text-sm text-balance text-muted-foreground">{error.message}</p> : null}
      {onRetry ? (
        <Button variant="secondary" size="sm" busy={busy} onClick={onRetry}>
          {busy ? null : <RotateCwIcon aria-hidden />} Retry
        </Button>
      ) : null}
    </div>
  );
}

const TONES = {
  danger: "border-danger/40 bg-danger/10 [&>svg]:text-danger",
  warning: "border-warning/40 bg-warning/10 [&>svg]:text-warning",
  info: "border-info/40 bg-info/10 [&>svg]:text-info",
  success: "border-success/40 bg-success/10 [&>svg]:text-success",
} as const;

/** A box within a form, a dialog or a page. With role="alert" it is read out when it appears. */
export function Notice({
  tone = "danger",
  title,
  icon = <TriangleAlertIcon aria-hidden />,
  action,
  children,
  className,
  ...p
}: Omit<React.ComponentProps<"div">, "title"> & {
  tone?: keyof typeof TONES;
  title?: React.ReactNode;
  icon?: React.ReactNode;
  action?: React.ReactNode;
}) {
  return (
    <div
      className={cn(
        "flex flex-wrap items-start gap-x-3 gap-y-2 rounded-lg border px-4 py-3 text-sm [&>svg]:mt-0.5 [&>svg]:size-4 [&>svg]:shrink-0",
        TONES[tone],
        className,
      )}
      {...p}
    >
      {icon}
      <div className="min-w-0 flex-1 basis-56 break-words">
        {title ? <p className="font-medium">{title}</p> : null}
        {children}
      </div>
      {action}
    </div>
  );
}
