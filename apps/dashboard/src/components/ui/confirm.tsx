// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useId, useState } from "react";
import { Button } from "./button";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "./dialog";
import { Field } from "./field";
import { Input } from "./input";
import { Notice } from "./problem";

type Props = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: React.ReactNode;
  /** What goes and what stays, or further inputs. */
  children?: React.ReactNode;
  confirmLabel: string;
  tone?: "danger" | "primary";
  /** Has to be typed first: only for what cannot be undone. */
  typed?: string;
  /** What is asked for in `children` is complete. */
  ready?: boolean;
  /** The dialog closes when it is done; when it fails, it stays and shows the error. */
  onConfirm: () => Promise<unknown>;
};

function Body({
  onOpenChange,
  children,
  confirmLabel,
  tone = "danger",
  typed,
  ready: complete = true,
  onConfirm,
}: Props) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const form = useId();
  const ready = complete && (typed === undefined || text === typed);

  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    if (!ready || busy) return;
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onOpenChange(false);
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
      setBusy(false);
    }
  };
  return (
    <>
      <form
        id={form}
        onSubmit={(event) => void submit(event)}
        className="grid grid-cols-[minmax(0,1fr)] gap-4 text-sm"
      >
        {children}
        {typed === undefined ? null : (
          <Field
            label={
              <>
                Type <span className="rounded bg-muted px-1 py-0.5 font-mono">{typed}</span> to confirm
              </>
            }
          >
            <Input
              value={text}
              onChange={(event) => setText(event.target.value)}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          </Field>
        )}
        {error ? <Notice role="alert">{error.message}</Notice> : null}
      </form>
      <DialogFooter>
        <DialogClose asChild>
          <Button variant="secondary">Cancel</Button>
        </DialogClose>
        <Button type="submit" form={form} variant={tone} busy={busy} disabled={!ready}>
          {confirmLabel}
        </Button>
      </DialogFooter>
    </>
  );
}

export function ConfirmDialog(props: Props) {
  return (
    <Dialog open={props.open} onOpenChange={props.onOpenChange}>
      <DialogContent role="alertdialog" title={props.title} description={props.description}>
        <Body {...props} />
      </DialogContent>
    </Dialog>
  );
}
