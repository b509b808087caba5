// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { PencilIcon, Trash2Icon, Undo2Icon } from "lucide-react";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { PasswordInput } from "@/components/ui/input";
import { cn } from "@/lib/cn";
import { valueProblem } from "./dotenv";
import type { Row } from "./staged";

type Acts = {
  onSet: (key: string, value: string) => void;
  onUnset: (key: string) => void;
  onUndo: (key: string) => void;
};

const BADGES = {
  kept: null,
  new: <Badge tone="success">New</Badge>,
  changed: <Badge tone="warning">Changed</Badge>,
  removed: <Badge tone="danger">Removed</Badge>,
};

function Edit({
  name,
  onDone,
  onCancel,
}: {
  name: string;
  onDone: (value: string) => void;
  onCancel: () => void;
}) {
  const [value, setValue] = useState("");
  const problem = valueProblem(value);
  const done = () => (problem ? undefined : onDone(value));
  return (
    <div className="grid gap-3 px-5 py-3">
      <Field
        label={
          <>
            New value of <span className="font-mono">{name}</span>
          </>
        }
        hint="The present one cannot be read back: values never leave the server."
        error={problem}
      >
        <PasswordInput
          autoFocus
          value={value}
          onChange={(event) => setValue(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") onCancel();
            if (event.key !== "Enter") return;
            event.preventDefault();
            done();
          }}
          autoComplete="off"
          className="font-mono"
        />
      </Field>
      <div className="flex gap-2">
        <Button size="sm" variant="secondary" onClick={done}>
          Set
        </Button>
        <Button size="sm" variant="ghost" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </div>
  );
}

function Line({ row, onEdit, onUnset, onUndo }: { row: Row; onEdit: () => void } & Omit<Acts, "onSet">) {
  const gone = row.state === "removed";
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1 px-5 py-2">
      <code
        className={cn(
          "min-w-0 flex-1 basis-48 font-mono text-sm wrap-anywhere",
          gone && "line-through opacity-60",
        )}
      >
        {row.key}
      </code>
      <span className="text-sm text-muted-foreground">
        {row.state === "kept" ? (
          <>
            <span aria-hidden className="font-mono">
              {row.masked}
            </span>
            <span className="sr-only">hidden value</span>
          </>
        ) : (
          BADGES[row.state]
        )}
      </span>
      <span className="flex gap-0.5">
        {row.state === "kept" ? null : (
          <Button
            variant="ghost"
            size="icon-sm"
            aria-label={`Take back the change of ${row.key}`}
            title="Take back"
            onClick={() => onUndo(row.key)}
          >
            <Undo2Icon aria-hidden />
          </Button>
        )}
        {gone ? null : (
          <>
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label={`Change ${row.key}`}
              title="Change"
              onClick={onEdit}
            >
              <PencilIcon aria-hidden className="text-muted-foreground" />
            </Button>
            {row.state === "new" ? null : (
              <Button
                variant="ghost"
                size="icon-sm"
                aria-label={`Remove ${row.key}`}
                title="Remove"
                onClick={() => onUnset(row.key)}
              >
                <Trash2Icon aria-hidden className="text-muted-foreground" />
              </Button>
            )}
          </>
        )}
      </span>
    </div>
  );
}

/** Names, masked values, and what is to become of them. */
export function EnvList({ rows, onSet, ...acts }: { rows: Row[] } & Acts) {
  const [edited, setEdited] = useState<string | null>(null);
  return (
    <ul className="divide-y" aria-label="Variables">
      {rows.map((row) => (
        <li key={row.key}>
          {edited === row.key ? (
            <Edit
              name={row.key}
              onCancel={() => setEdited(null)}
              onDone={(value) => {
                onSet(row.key, value);
                setEdited(null);
              }}
            />
          ) : (
            <Line row={row} onEdit={() => setEdited(row.key)} {...acts} />
          )}
        </li>
      ))}
    </ul>
  );
}
