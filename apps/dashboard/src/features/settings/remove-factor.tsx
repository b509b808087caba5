// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { CardBody, CardFooter } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { PasswordInput } from "@/components/ui/input";
import { AttemptNotice } from "@/features/auth/attempt-notice";
import { ApiError, call } from "@/lib/api";
import { usePause } from "@/lib/pause";
import { me } from "@/lib/queries";
import { toast } from "@/lib/toast";
import { CodeInput } from "./code-input";

export function RemoveFactor({ onCancel, onDone }: { onCancel: () => void; onDone: () => void }) {
  const client = useQueryClient();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const { pauseMs, note } = usePause();
  const remove = useMutation({
    mutationFn: () => call<null>("POST", "/me/second-factor/remove", { password, code }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: me().queryKey });
      toast.success("The second factor has been removed", { detail: "The password alone is enough again." });
      onDone();
    },
    onError: note,
  });
  const type = remove.error instanceof ApiError ? remove.error.type : null;
  const edit = (set: (value: string) => void) => (value: string) => {
    if (remove.isError) remove.reset();
    set(value);
  };
  const setTypedPassword = edit(setPassword);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        remove.mutate();
      }}
    >
      <CardBody className="grid gap-4">
        <p className="text-sm">The password alone is enough to sign in then.</p>
        <Field
          className="max-w-sm"
          label="Your password"
          error={type === "wrong-login" ? "This is not your password" : null}
        >
          <PasswordInput
            name="password"
            value={password}
            onChange={(event) => setTypedPassword(event.target.value)}
            autoComplete="current-password"
            autoFocus
          />
        </Field>
        <CodeInput
          recovery
          label="Code"
          hint="The six digits that your authenticator app shows now, or a recovery code."
          error={type === "wrong-code" ? (remove.error?.message ?? null) : null}
          value={code}
          onChange={edit(setCode)}
        />
        <AttemptNotice
          pauseMs={pauseMs}
          error={type === "wrong-login" || type === "wrong-code" ? null : remove.error}
        />
      </CardBody>
      <CardFooter className="justify-start">
        <Button
          type="submit"
          variant="danger"
          busy={remove.isPending}
          disabled={password === "" || code === "" || pauseMs > 0}
        >
          Remove the second factor
        </Button>
        <Button variant="ghost" onClick={onCancel}>
          Cancel
        </Button>
      </CardFooter>
    </form>
  );
}
