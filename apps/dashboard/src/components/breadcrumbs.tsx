// SPDX-License-Identifier: AGPL-3.0-or-later
import { ChevronRightIcon } from "lucide-react";
import Link from "next/link";
import { Fragment } from "react";

/** The way up from here. */
export function Breadcrumbs({ items }: { items: { href: string; label: string }[] }) {
  return (
    <nav aria-label="Where this is" className="mb-3 flex min-w-0 flex-wrap items-center gap-1 text-sm">
      {items.map((item) => (
        <Fragment key={item.href}>
          <Link href={item.href} className="truncate text-muted-foreground hover:text-foreground">
            {item.label}
          </Link>
          <ChevronRightIcon aria-hidden className="size-3.5 shrink-0 text-muted-foreground/60 last:hidden" />
        </Fragment>
      ))}
    </nav>
  );
}
