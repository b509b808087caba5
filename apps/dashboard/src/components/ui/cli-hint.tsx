// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { TerminalIcon } from "lucide-react";
import { Button } from "./button";
import { Code } from "./code";
import { Popover, PopoverContent, PopoverTrigger } from "./popover";

/** The command that does, on the orchestrator, what the screen does. Several, one below the other, where it does several things. */
export function CliHint({ command, note }: { command: string | string[]; note?: React.ReactNode }) {
  const commands = Array.isArray(command) ? command : [command];
  return (
    <Popover>
      <PopoverTrigger asChild>
        <Button variant="secondary" aria-label="The same on the command line">
          <TerminalIcon aria-hidden /> CLI
        </Button>
      </PopoverTrigger>
      <PopoverContent aria-label="The same on the command line" className="grid gap-3">
        <p className="text-muted-foreground">{note ?? "The same in a shell on the orchestrator:"}</p>
        {commands.map((text) => (
          <Code key={text} value={text} label="Copy the command" />
        ))}
      </PopoverContent>
    </Popover>
  );
}
