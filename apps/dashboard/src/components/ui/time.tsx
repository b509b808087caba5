// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useClock } from "@/lib/now";
import { countdown, exactTime, relativeTime } from "@/lib/time";

/** "5 min. ago", kept right, with the exact time in its title. */
export function RelativeTime({ at, className }: { at: string; className?: string }) {
  const time = Date.parse(at);
  const text = useClock((now) => (Number.isNaN(time) ? "not known" : relativeTime(time, now)), "");
  return (
    <time dateTime={at} title={Number.isNaN(time) ? undefined : exactTime(time)} className={className}>
      {text}
    </time>
  );
}

/** What is left until `at`. It tells nobody when it is over: whoever has to act asks useNow. */
export function Countdown({ at }: { at: string }) {
  const text = useClock((now) => countdown(Date.parse(at) - now), "");
  return <span className="tabular-nums">{text}</span>;
}
