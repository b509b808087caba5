// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { Code } from "./code";
import { Popover, PopoverContent, PopoverTrigger } from "./popover";

/** What a CliHint opens. It is open from the start: the click that asked for it came before it. */
export default function CliCommands({
  trigger,
  label,
  commands,
  note,
}: {
  trigger: React.ReactNode;
  label: string;
  commands: string[];
  note?: React.ReactNode;
}) {
  return (
    <Popover defaultOpen>
      <PopoverTrigger asChild>{trigger}</PopoverTrigger>
      <PopoverContent aria-label={label} className="grid gap-3">
        <p className="text-muted-foreground">{note ?? "The same in a shell on the orchestrator:"}</p>
        {commands.map((text) => (
          <Code key={text} value={text} label="Copy the command" />
        ))}
      </PopoverContent>
    </Popover>
  );
}
