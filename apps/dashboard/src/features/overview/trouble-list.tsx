// SPDX-License-Identifier: AGPL-3.0-or-later
import { OctagonAlertIcon, TriangleAlertIcon } from "lucide-react";
import Link from "next/link";
import { Card, CardHeader, CardTitle } from "@/components/ui/card";
import type { Trouble } from "./summary";

const SHOWN = 6;

export function TroubleList({ troubles }: { troubles: Trouble[] }) {
  if (troubles.length === 0) return null;
  return (
    <Card className="mb-6 border-warning/40">
      <CardHeader>
        <CardTitle>To see to</CardTitle>
        {troubles.length > SHOWN ? (
          <span className="text-sm text-muted-foreground">{troubles.length - SHOWN} more</span>
        ) : null}
      </CardHeader>
      <ul className="divide-y">
        {troubles.slice(0, SHOWN).map((t) => (
          <li key={t.key}>
            <Link
              href={t.href}
              prefetch={false}
              className="flex items-start gap-3 px-5 py-3 text-sm hover:bg-muted/40 focus-visible:-outline-offset-2"
            >
              {t.grave ? (
                <OctagonAlertIcon aria-label="Failure" className="mt-0.5 size-4 shrink-0 text-danger" />
              ) : (
                <TriangleAlertIcon aria-label="Warning" className="mt-0.5 size-4 shrink-0 text-warning" />
              )}
              <span className="min-w-0 break-words">
                <b className="font-medium">{t.name}</b>{" "}
                <span className="text-muted-foreground">{t.sentence}</span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  );
}
