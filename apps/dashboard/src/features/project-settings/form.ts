// SPDX-License-Identifier: AGPL-3.0-or-later
/** The settings of a project as a form: what stands in it, what differs from the project, and what is sent of that. */
import { wholeNumber, type Project, type ProjectSettings } from "@nanoscale/contracts";
import {
  fieldProblems,
  first,
  inputField,
  NUMBERS,
  SWITCHES,
  TEXTS,
  type Fields,
  type InputField,
  type NumberField,
  type TextField,
} from "../projects/form/fields";

export type Form = Fields & {
  gate: boolean;
  gate_user: string;
  gate_password: string;
  /** One network a line. */
  allow: string;
  rate: string;
  maintenance: boolean;
  security_headers: boolean;
};
export type Problems = Partial<Record<InputField | "gate_user" | "gate_password" | "allow" | "rate", string>>;

const MINUTE = 60;
const STANDARD_IDLE_MINUTES = "15";
const NETWORKS_MOST = 64;
const RATE = wholeNumber(0, 10_000);
const TEXT_FIELDS = Object.keys(TEXTS) as TextField[];
const NUMBER_FIELDS = Object.keys(NUMBERS) as NumberField[];

export function formOf(p: Project): Form {
  const texts = Object.fromEntries(TEXT_FIELDS.map((f) => [f, p[f]])) as Record<TextField, string>;
  const numbers = Object.fromEntries(NUMBER_FIELDS.map((f) => [f, String(p[f])])) as Record<
    NumberField,
    string
  >;
  return {
    ...texts,
    ...numbers,
    // Never idle for long enough is the same as not allowed to sleep.
    scale_to_zero: p.scale_to_zero && p.idle_seconds > 0,
    idle_minutes: p.idle_seconds > 0 ? String(p.idle_seconds / MINUTE) : STANDARD_IDLE_MINUTES,
    doze: p.doze,
    exclusive: p.exclusive,
    gate: p.gate !== null,
    gate_user: p.gate?.user ?? "",
    gate_password: "",
    allow: p.allow.join("\n"),
    rate: String(p.rate),
    maintenance: p.maintenance,
    security_headers: p.security_headers,
  };
}

/** What differs. What a switch hides counts no longer once it is off. */
export function changedFields(form: Form, base: Form): (keyof Form)[] {
  return (Object.keys(base) as (keyof Form)[]).filter((field) => {
    if (field === "idle_minutes" && !form.scale_to_zero) return false;
    if ((field === "gate_user" || field === "gate_password") && !form.gate) return false;
    if (field === "allow") return networks(form.allow).join() !== networks(base.allow).join();
    return form[field] !== base[field];
  });
}

/** One network for each word. A lone address is the network that has no other. */
export function networks(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map((word) => (word.includes("/") ? word : `${word}/${word.includes(":") ? 128 : 32}`));
}

export function patchOf(form: Form, base: Form, project: Pick<Project, "idle_seconds">) {
  const changed = new Set(changedFields(form, base));
  const patch: Record<string, unknown> = {};
  for (const field of TEXT_FIELDS) if (changed.has(field)) patch[field] = form[field].trim();
  for (const field of NUMBER_FIELDS) if (changed.has(field)) patch[field] = Number(form[field]);
  for (const field of [...SWITCHES, "maintenance", "security_headers"] as const)
    if (changed.has(field)) patch[field] = form[field];
  const idle = Math.round(Number(form.idle_minutes) * MINUTE);
  if (form.scale_to_zero && idle !== project.idle_seconds) patch.idle_seconds = idle;
  if (changed.has("gate") || changed.has("gate_user") || changed.has("gate_password")) {
    const password = form.gate_password === "" ? {} : { password: form.gate_password };
    patch.gate = form.gate ? { user: form.gate_user, ...password } : null;
  }
  if (changed.has("allow")) patch.allow = networks(form.allow);
  if (changed.has("rate")) patch.rate = Number(form.rate);
  return patch as Partial<ProjectSettings>;
}

function gateProblems(form: Form, base: Form): Problems {
  if (!form.gate) return {};
  const problems: Problems = {};
  const length = new TextEncoder().encode(form.gate_password).length;
  if (!/^[A-Za-z0-9._@-]{1,64}$/.test(form.gate_user))
    problems.gate_user = "1 to 64 letters, digits and . _ @ -";
  if (length > 0 && (length < 8 || length > 128)) problems.gate_password = "From 8 to 128 characters";
  else if (length === 0 && !base.gate) problems.gate_password = "The password that visitors give";
  else if (length === 0 && form.gate_user !== base.gate_user)
    problems.gate_password = "Another user needs a password";
  return problems;
}

/** Of what was changed: what is there already, the server has taken. */
export function problemsOf(form: Form, base: Form): Problems {
  const changed = new Set<string>(changedFields(form, base));
  const list = networks(form.allow);
  const rate = first(RATE, form.rate);
  const all: Problems = {
    ...fieldProblems(form),
    ...gateProblems(form, base),
    ...(list.length > NETWORKS_MOST ? { allow: `At most ${NETWORKS_MOST} networks` } : {}),
    ...(rate ? { rate } : {}),
  };
  // A password that is missing was not typed, so it is the switch or the user that was changed.
  const gate = ["gate", "gate_user", "gate_password"];
  if (gate.some((field) => changed.has(field))) for (const field of gate) changed.add(field);
  if (changed.has("scale_to_zero")) changed.add("idle_minutes");
  return Object.fromEntries(Object.entries(all).filter(([field]) => changed.has(field)));
}

/** The input for a field of the API. */
export function inputOf(field: string | undefined): keyof Problems | null {
  if (field === "gate") return "gate_password";
  return field === "allow" || field === "rate" ? field : inputField(field);
}
