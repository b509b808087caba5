// SPDX-License-Identifier: AGPL-3.0-or-later
/** What people type: the same rules as the agent's (agent/src/security/validate.h), so that most mistakes are told before they are sent. */
import "./zod-config";
import * as z from "zod/mini";

export const projectName = z.string().check(
  z.minLength(1, "Give it a name"),
  z.maxLength(63, "At most 63 characters"),
  z.regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
    "Lowercase letters, digits and dashes, without a dash at either end",
  ),
  // Its page would lie below that of another one.
  z.refine((name) => name !== "new", "“new” is the address of the page for new projects"),
);

export const repositoryUrl = z
  .string()
  .check(
    z.minLength(1, "The address of a git repository"),
    z.maxLength(512, "At most 512 characters"),
    z.regex(/^https:\/\//, "It begins with https://"),
    z.regex(
      /^https:\/\/(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?\/[A-Za-z0-9._~/-]+$/,
      "https://HOST/PATH, without a user name, password or query",
    ),
  );

export const branchName = z
  .string()
  .check(z.regex(/^[A-Za-z0-9_][A-Za-z0-9._/@+=,-]{0,254}$/, "A branch name without spaces"));

/** Empty, or a/b/c. */
export const relativeDirectory = z
  .string()
  .check(
    z.regex(
      /^(|(?!\.{1,2}(\/|$))[A-Za-z0-9._@][A-Za-z0-9._@-]*(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._@][A-Za-z0-9._@-]*)*)$/,
      "A directory of the repository, such as apps/web",
    ),
  );

export const healthPath = z
  .string()
  .check(z.regex(/^\/[^\s\\"<>{}|^`#]{0,511}$/, "A path that begins with a slash, such as /healthz"));

export const version = z
  .string()
  .check(z.regex(/^(0|[1-9]\d*)(\.(0|[1-9]\d*)){0,2}$/, "A version such as 20 or 22.11.0"));

export const wholeNumber = (least: number, most: number) =>
  z.string().check(
    z.regex(/^\d+$/, "A whole number"),
    z.refine((text) => Number(text) >= least && Number(text) <= most, `From ${least} to ${most}`),
  );
