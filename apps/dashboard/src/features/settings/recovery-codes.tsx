// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { DownloadIcon, ShieldCheckIcon } from "lucide-react";
import { Button } from "@/components/ui/button";
import { CardBody, CardFooter } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy-button";
import { Notice } from "@/components/ui/problem";
import { downloadText } from "@/lib/download";

/** Shown this once, right after the second factor was turned on. */
export function RecoveryCodes({
  codes,
  user,
  onDone,
}: {
  codes: string[];
  user: string;
  onDone: () => void;
}) {
  const text = codes.join("\n");
  return (
    <>
      <CardBody className="grid gap-4 text-sm">
        <Notice
          tone="success"
          icon={<ShieldCheckIcon aria-hidden />}
          role="status"
          title="The second factor is on"
        >
          Without your app, each of these codes lets you in once. They are shown this once: keep them where
          the app is not.
        </Notice>
        <ul
          aria-label="Recovery codes"
          className="grid max-w-md grid-cols-2 gap-x-6 gap-y-1.5 rounded-md border bg-background p-4 font-mono text-sm"
        >
          {codes.map((code) => (
            <li key={code} className="break-all">
              {code}
            </li>
          ))}
        </ul>
        <div className="flex flex-wrap gap-2">
          <CopyButton value={text} label="Copy the recovery codes" autoFocus>
            Copy all
          </CopyButton>
          <Button
            variant="secondary"
            size="sm"
            onClick={() =>
              downloadText("nanoscale-recovery-codes.txt", [
                `Recovery codes of ${user} at ${window.location.host}, each good once:\n\n${text}\n`,
              ])
            }
          >
            <DownloadIcon aria-hidden /> Download
          </Button>
        </div>
      </CardBody>
      <CardFooter className="justify-start">
        <Button onClick={onDone}>I have saved them</Button>
      </CardFooter>
    </>
  );
}
