// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { ImageUpIcon, Trash2Icon } from "lucide-react";
import { useId, useRef, useState } from "react";
import { SiteLogo, SitePicture } from "@/components/shell/site-mark";
import { Button } from "@/components/ui/button";
import { toDataUrl } from "./picture";

/** A picture as a data: URL, or null for ours. */
export function LogoInput({
  logo,
  refused,
  onChange,
}: {
  logo: string | null;
  refused: string | null;
  onChange: (logo: string | null) => void;
}) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const change = (next: string | null) => {
    setProblem(null);
    onChange(next);
  };
  const take = async (file: File) => {
    try {
      change(toDataUrl(new Uint8Array(await file.arrayBuffer())));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : "It could not be read.");
    }
  };
  const error = problem ?? refused;
  return (
    <div role="group" aria-labelledby={`${id}-label`} className="grid gap-1.5">
      <span id={`${id}-label`} className="text-sm font-medium">
        Logo
      </span>
      <div className="flex flex-wrap items-center gap-3">
        <span className="grid size-16 shrink-0 place-items-center rounded-lg border bg-surface">
          {logo === null ? (
            <SiteLogo site={undefined} className="size-12" />
          ) : (
            <SitePicture src={logo} className="size-12" />
          )}
        </span>
        <input
          ref={input}
          type="file"
          accept="image/png,image/jpeg,image/webp"
          className="hidden"
          aria-hidden
          tabIndex={-1}
          onChange={(event) => {
            const file = event.target.files?.[0];
            // The same file again is a change, too.
            event.target.value = "";
            if (file) void take(file);
          }}
        />
        <Button variant="secondary" aria-describedby={`${id}-message`} onClick={() => input.current?.click()}>
          <ImageUpIcon aria-hidden /> Choose a picture
        </Button>
        {logo === null ? null : (
          <Button variant="ghost" onClick={() => change(null)}>
            <Trash2Icon aria-hidden /> Remove
          </Button>
        )}
      </div>
      <div
        id={`${id}-message`}
        role={error ? "alert" : undefined}
        className={error ? "text-sm text-danger" : "text-sm text-muted-foreground"}
      >
        {error ?? "A PNG, JPEG or WebP picture of at most 64 KiB, best a square one."}
      </div>
    </div>
  );
}
