// SPDX-License-Identifier: AGPL-3.0-or-later
/** What people type: the same rules as the agent's (agent/src/security/validate.h), so that most mistakes are told before they are sent. */
import "./zod-config";
import * as z from "zod/mini";

export const projectName = z
  .string()
  .check(
    z.minLength(1, "Give it a name"),
    z.maxLength(40, "At most 40 characters"),
    z.regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/, "Lowercase letters, digits and dashes; starts with a letter"),
  );
