// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useEffect, useRef } from "react";
import { Input } from "./input";

/** An input whose text is kept in the page's address. That lags behind the keys: it changes the input only while nobody types in it. */
export function AddressInput({
  value,
  ...p
}: Omit<React.ComponentProps<"input">, "value" | "defaultValue" | "ref"> & { value: string }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current && input.current !== document.activeElement) input.current.value = value;
  }, [value]);
  return <Input ref={input} defaultValue={value} {...p} />;
}
