// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { ChevronRightIcon } from "lucide-react";
import { Checkbox } from "@/components/ui/checkbox";
import type { Controls } from "./controls";
import { LABELS } from "./fields";
import { NumberInput, TextInput } from "./inputs";

/** What most never touch. It opens by itself where something in it is wrong. */
export function Advanced({
  controls,
  open,
  onOpen,
}: {
  controls: Controls;
  open: boolean;
  onOpen: (open: boolean) => void;
}) {
  const { form, turn } = controls;
  return (
    <details
      className="group rounded-xl border bg-surface"
      open={open}
      onToggle={(event) => onOpen(event.currentTarget.open)}
    >
      <summary className="flex cursor-pointer list-none items-center gap-2 rounded-xl px-5 py-4 text-sm font-medium [&::-webkit-details-marker]:hidden">
        <ChevronRightIcon
          aria-hidden
          className="size-4 text-muted-foreground transition-transform group-open:rotate-90"
        />
        Advanced
        <span className="font-normal text-muted-foreground">versions, port, limits of the build</span>
      </summary>
      <div className="grid gap-5 border-t p-5">
        <div className="grid gap-4 sm:grid-cols-3">
          <TextInput controls={controls} field="node_version" />
          <TextInput controls={controls} field="bun_version" />
          <NumberInput controls={controls} field="port" hint="The app's PORT" />
        </div>
        <div className="grid gap-4 sm:grid-cols-3">
          <NumberInput controls={controls} field="build_memory_mib" unit="MiB" />
          <NumberInput controls={controls} field="build_cpu_percent" unit="%" />
          <NumberInput controls={controls} field="build_seconds" unit="s" />
        </div>
        <div className="grid gap-4 sm:grid-cols-3">
          <TextInput
            controls={controls}
            field="static_directory"
            placeholder="found by itself"
            hint="Where the build leaves a static site"
          />
          <NumberInput controls={controls} field="tasks_max" hint="At most, of the app" />
          <NumberInput
            controls={controls}
            field="drain_seconds"
            unit="s"
            hint="For open requests to the old release"
          />
        </div>
        <div className="grid gap-4 sm:grid-cols-2">
          <Checkbox
            checked={form.doze}
            onCheckedChange={(doze) => turn("doze", doze)}
            label={LABELS.doze}
            hint="Is paged out before it sleeps, where the server has swap."
          />
          <Checkbox
            checked={form.exclusive}
            onCheckedChange={(exclusive) => turn("exclusive", exclusive)}
            label={LABELS.exclusive}
            hint="Not even during a switch: for bots and what else must be alone. Requests wait meanwhile."
          />
        </div>
      </div>
    </details>
  );
}
