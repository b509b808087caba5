// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { TerminalIcon } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { Button, type ButtonProps } from "./button";

const load = () => import("./cli-commands");
const CliCommands = lazy(load);

const LABEL = "The same on the command line";
const Trigger = (p: ButtonProps) => (
  <Button variant="secondary" aria-label={LABEL} aria-haspopup="dialog" {...p}>
    <TerminalIcon aria-hidden /> CLI
  </Button>
);

/**
 * The command that does, on the orchestrator, what the screen does. Several, one below the other, where it does several things.
 * What opens is fetched when somebody is about to open it.
 */
export function CliHint({ command, note }: { command: string | string[]; note?: React.ReactNode }) {
  const [wanted, setWanted] = useState(false);
  const trigger = (
    <Trigger onPointerEnter={() => void load()} onFocus={() => void load()} onClick={() => setWanted(true)} />
  );
  if (!wanted) return trigger;
  return (
    <Suspense fallback={trigger}>
      <CliCommands
        trigger={<Trigger />}
        label={LABEL}
        commands={Array.isArray(command) ? command : [command]}
        note={note}
      />
    </Suspense>
  );
}
