// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Fields, InputField, SWITCHES } from "./fields";

/** What the parts of a form share. */
export type Controls = {
  form: Fields;
  set: (field: InputField, value: string) => void;
  turn: (field: (typeof SWITCHES)[number], on: boolean) => void;
  /** Of the field, when it is time to say it. */
  problem: (field: InputField) => string | null;
};
