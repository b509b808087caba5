// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { PlusIcon } from "lucide-react";
import { useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input, PasswordInput } from "@/components/ui/input";
import { keyProblem, parseDotEnv, valueProblem, type Pair } from "./dotenv";

/** One variable, or a whole .env pasted into the field of its name. */
export function AddRow({ onAdd }: { onAdd: (pairs: Pair[]) => void }) {
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const [tried, setTried] = useState(false);
  const name = useRef<HTMLInputElement>(null);
  const problem = { key: keyProblem(key), value: valueProblem(value) };
  const add = () => {
    setTried(true);
    if (problem.key || problem.value) return;
    onAdd([{ key, value }]);
    setKey("");
    setValue("");
    setTried(false);
    name.current?.focus();
  };
  const onEnter = (event: React.KeyboardEvent) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  };
  const onPaste = (event: React.ClipboardEvent) => {
    const { pairs } = parseDotEnv(event.clipboardData.getData("text"));
    if (pairs.length === 0) return;
    event.preventDefault();
    onAdd(pairs);
  };
  return (
    <div className="grid items-start gap-3 sm:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)_auto]">
      <Field label="Name" error={tried ? problem.key : null}>
        <Input
          ref={name}
          value={key}
          onChange={(event) => setKey(event.target.value)}
          onKeyDown={onEnter}
          onPaste={onPaste}
          placeholder="DATABASE_URL"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          className="font-mono"
        />
      </Field>
      <Field label="Value" error={tried ? problem.value : null}>
        <PasswordInput
          value={value}
          onChange={(event) => setValue(event.target.value)}
          onKeyDown={onEnter}
          autoComplete="off"
          data-1p-ignore
          className="font-mono"
        />
      </Field>
      <Button variant="secondary" className="sm:mt-6.5" onClick={add}>
        <PlusIcon aria-hidden /> Add
      </Button>
    </div>
  );
}
