// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { Trash2Icon } from "lucide-react";
import { Button } from "@/components/ui/button";
import { AddRow } from "../../env/add-row";
import type { Pair } from "../../env/dotenv";

/** The variables to begin with: names in the open, values masked. */
export function Variables({
  env,
  onChange,
}: {
  env: ReadonlyMap<string, string>;
  onChange: (env: ReadonlyMap<string, string>) => void;
}) {
  const add = (pairs: Pair[]) => {
    const next = new Map(env);
    for (const { key, value } of pairs) next.set(key, value);
    onChange(next);
  };
  const remove = (key: string) => {
    const next = new Map(env);
    next.delete(key);
    onChange(next);
  };
  return (
    <div className="grid gap-4">
      {env.size > 0 ? (
        <ul aria-label="Variables" className="divide-y rounded-lg border bg-background">
          {[...env.keys()].map((key) => (
            <li key={key} className="flex items-center gap-3 py-1 pr-1 pl-3 text-sm">
              <code className="min-w-0 flex-1 truncate font-mono">{key}</code>
              <span aria-hidden className="text-muted-foreground">
                ••••
              </span>
              <Button
                variant="ghost"
                size="icon-sm"
                aria-label={`Remove ${key}`}
                title="Remove"
                onClick={() => remove(key)}
              >
                <Trash2Icon aria-hidden className="text-muted-foreground" />
              </Button>
            </li>
          ))}
        </ul>
      ) : null}
      <AddRow onAdd={add} />
    </div>
  );
}
