// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { Project } from "@nanoscale/contracts";
import { FileUpIcon } from "lucide-react";
import { useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/problem";
import { Textarea } from "@/components/ui/textarea";
import { ApiError } from "@/lib/api";
import { useOwnCertificate } from "./mutations";

type Part = {
  label: string;
  hint: string;
  begins: string;
  value: string;
  error: string | null;
  onChange: (text: string) => void;
};

/** PEM, pasted or from a file, which is read here and shown before it is sent. */
function Pem({ label, hint, begins, value, error, onChange }: Part) {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <div className="relative">
      <Field label={label} hint={hint} error={error}>
        <Textarea
          rows={5}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          placeholder={begins}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          className="max-h-52 font-mono pointer-fine:text-xs"
        />
      </Field>
      <input
        ref={picker}
        type="file"
        hidden
        accept=".pem,.crt,.cer,.key,.txt"
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) void file.text().then(onChange);
        }}
      />
      <Button
        variant="ghost"
        size="sm"
        className="absolute -top-2 right-0"
        onClick={() => picker.current?.click()}
        aria-label={`${label} from a file`}
      >
        <FileUpIcon aria-hidden /> File
      </Button>
    </div>
  );
}

function Body({ project, domain, onClose }: { project: Project; domain: string; onClose: () => void }) {
  const upload = useOwnCertificate(project, domain);
  const [chain, setChain] = useState("");
  const [key, setKey] = useState("");
  const [tried, setTried] = useState(false);
  const field = upload.error instanceof ApiError ? upload.error.field : undefined;
  const refused = (name: string) => (field === name ? (upload.error?.message ?? null) : null);
  const typed = (set: (text: string) => void) => (text: string) => {
    if (upload.isError) upload.reset();
    set(text);
  };
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!upload.isPending && chain.trim() && key.trim())
      upload.mutate({ chain, key }, { onSuccess: onClose });
  };
  return (
    <form onSubmit={submit} noValidate className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <Pem
        label="Certificate and chain"
        hint="PEM: the one for the domain first, then those that signed it."
        begins="-----BEGIN CERTIFICATE-----"
        value={chain}
        error={refused("chain") ?? (tried && !chain.trim() ? "The certificate is missing" : null)}
        onChange={typed(setChain)}
      />
      <Pem
        label="Private key"
        hint="PEM, without a passphrase. It stays on the project’s server, and is never shown again."
        begins="-----BEGIN PRIVATE KEY-----"
        value={key}
        error={refused("key") ?? (tried && !key.trim() ? "The key is missing" : null)}
        onChange={typed(setKey)}
      />
      {upload.error && field !== "chain" && field !== "key" ? (
        <Notice role="alert">{upload.error.message}</Notice>
      ) : null}
      <DialogFooter>
        <DialogClose asChild>
          <Button variant="secondary">Cancel</Button>
        </DialogClose>
        <Button type="submit" busy={upload.isPending}>
          Use it
        </Button>
      </DialogFooter>
    </form>
  );
}

export function CertificateDialog({
  open,
  ...props
}: {
  project: Project;
  domain: string;
  open: boolean;
  onClose: () => void;
}) {
  return (
    <Dialog open={open} onOpenChange={(on) => (on ? undefined : props.onClose())}>
      <DialogContent
        className="max-w-xl"
        title={`Your certificate for ${props.domain}`}
        description="It is used until you bring the next one: nothing renews it by itself."
      >
        <Body {...props} />
      </DialogContent>
    </Dialog>
  );
}
