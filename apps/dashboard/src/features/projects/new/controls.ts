// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Form, FormField } from "./draft";

/** What the parts of the form share. */
export type Controls = {
  form: Form;
  set: <K extends keyof Form>(field: K, value: Form[K]) => void;
  /** Of the field, when it is time to say it. */
  problem: (field: FormField) => string | null;
  typed: (field: keyof Form) => boolean;
};
