// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { ClipboardPasteIcon } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/problem";
import { Textarea } from "@/components/ui/textarea";
import { count } from "@/lib/format";
import { parseDotEnv, type Pair } from "./dotenv";

function Body({ onAdd, onClose }: { onAdd: (pairs: Pair[]) => void; onClose: () => void }) {
  const [text, setText] = useState("");
  const { pairs, problems } = parseDotEnv(text);
  const take = () => {
    onAdd(pairs);
    onClose();
  };
  return (
    <>
      <Field
        label="Text"
        hint={
          pairs.length > 0
            ? `${count(pairs.length, "variable")}: ${pairs.map((p) => p.key).join(", ")}`
            : undefined
        }
      >
        <Textarea
          rows={10}
          value={text}
          onChange={(event) => setText(event.target.value)}
          placeholder={'DATABASE_URL="postgres://…"\nSECRET=…'}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          className="max-h-[50vh] font-mono pointer-fine:text-xs"
        />
      </Field>
      {problems.length > 0 ? (
        <Notice tone="warning" title="Not taken over">
          <ul>
            {problems.slice(0, 6).map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
            {problems.length > 6 ? <li>and {problems.length - 6} more</li> : null}
          </ul>
        </Notice>
      ) : null}
      <DialogFooter>
        <DialogClose asChild>
          <Button variant="secondary">Cancel</Button>
        </DialogClose>
        <Button disabled={pairs.length === 0} onClick={take}>
          {pairs.length === 0 ? "Take over" : `Take over ${count(pairs.length, "variable")}`}
        </Button>
      </DialogFooter>
    </>
  );
}

export function PasteEnv({ onAdd }: { onAdd: (pairs: Pair[]) => void }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button variant="secondary" size="sm" onClick={() => setOpen(true)}>
        <ClipboardPasteIcon aria-hidden /> Paste .env
      </Button>
      <Dialog open={open} onOpenChange={setOpen}>
        <DialogContent
          title="Paste a .env file"
          description="With quotes, comments and values over several lines. Of equal names the last counts."
          className="max-w-xl"
        >
          <Body onAdd={onAdd} onClose={() => setOpen(false)} />
        </DialogContent>
      </Dialog>
    </>
  );
}
