// SPDX-License-Identifier: AGPL-3.0-or-later
import { EyeIcon } from "lucide-react";
import { Code } from "@/components/ui/code";
import { Notice } from "@/components/ui/problem";

/** A secret that the API will not tell again, and a command that uses it. */
export function ShownOnce({ secret, command }: { secret: string; command: string }) {
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3 text-sm">
      <Notice tone="warning" icon={<EyeIcon aria-hidden />} role="status" title="It is shown this once">
        Copy it to where it is needed. NanoScale keeps only a hash of it.
      </Notice>
      <Code value={secret} label="Copy the token" wrap />
      <p className="text-muted-foreground">To try it:</p>
      <Code value={command} label="Copy the command" />
    </div>
  );
}
