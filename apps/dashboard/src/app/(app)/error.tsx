// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { Card } from "@/components/ui/card";
import { Problem } from "@/components/ui/problem";

/** What a page could not be drawn from (an answer of another form, a fault of ours) takes that page alone: the menu stays. */
export default function PageError({ error, reset }: { error: Error; reset: () => void }) {
  return (
    <Card>
      <Problem isPage title="This page could not be shown" error={error} onRetry={reset} />
    </Card>
  );
}
