// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Domain } from "@nanoscale/contracts";
import { Notice } from "@/components/ui/problem";
import { RelativeTime } from "@/components/ui/time";
import { Again } from "./again";
import { dnsAdvice } from "./dns";

const day = (at: string) => new Date(at).toLocaleDateString(undefined, { dateStyle: "medium" });

/** How its certificate is, in a sentence. */
export function CertificateLine({ domain }: { domain: Domain }) {
  const { state, not_after: end, source, problem } = domain;
  if (state === "waiting")
    return problem ? null : <p>It waits for its turn: its DNS is looked at, then a certificate asked for.</p>;
  if (state === "issuing") return <p>The authority is being asked for a certificate.</p>;
  if (end === null) return null;
  return (
    <p>
      {state === "valid" ? "Valid until" : "Ended on"} <time dateTime={end}>{day(end)}</time>{" "}
      <span className="text-muted-foreground">
        (<RelativeTime at={end} />
        {state !== "valid" ? null : source === "own" ? ", your own" : ", renewed by itself"})
      </span>
    </p>
  );
}

/** What is wrong with it, other than its DNS, and what is tried. */
export function CertificateProblem({ domain }: { domain: Domain }) {
  const { state, problem, source, ends_soon: soon } = domain;
  if (state === "valid" && soon && source === "own")
    return (
      <Notice tone="warning" title="Your certificate ends soon">
        Upload the next one, or go back to one that renews itself.
      </Notice>
    );
  if (!problem) return null;
  if (state === "valid")
    return (
      <Notice tone={soon ? "danger" : "warning"} title="The renewal failed">
        {problem.sentence} <Again at={domain.next_try} act="tried" />
      </Notice>
    );
  if (state === "waiting" && dnsAdvice(domain)) return null;
  return (
    <Notice
      tone={state === "failed" ? "danger" : "warning"}
      title={
        state === "waiting"
          ? undefined
          : domain.not_after
            ? "Its certificate has ended"
            : "It has no certificate"
      }
    >
      {problem.sentence} <Again at={domain.next_try} act="tried" />
    </Notice>
  );
}
