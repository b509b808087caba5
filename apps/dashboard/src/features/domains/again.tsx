// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { RelativeTime } from "@/components/ui/time";
import { useClock } from "@/lib/now";

/** When it is seen to again. `act` as in “It is looked at again”. */
export function Again({ at, act }: { at: string | null; act: "looked at" | "tried" }) {
  const due = useClock((now) => at !== null && Date.parse(at) <= now, false);
  if (at === null) return null;
  if (due) return <span>It is being {act} again.</span>;
  return (
    <span>
      It is {act} again <RelativeTime at={at} />
    </span>
  );
}
