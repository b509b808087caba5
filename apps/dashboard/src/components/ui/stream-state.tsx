// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { CircleCheckIcon, LoaderCircleIcon, RadioIcon, UnplugIcon } from "lucide-react";
import { useNow } from "@/lib/now";
import type { StreamState } from "@/lib/sse";

/** How a stream is, in words. `paused`: it comes in, but is not shown. */
export function StreamBadge({
  state,
  paused,
  ended = "Finished",
}: {
  state: StreamState;
  paused?: boolean;
  ended?: string;
}) {
  return (
    <span
      role="status"
      className="inline-flex items-center gap-1.5 text-xs whitespace-nowrap text-muted-foreground [&_svg]:size-3.5"
    >
      <Words state={state} paused={paused} ended={ended} />
    </span>
  );
}

function Words({ state, paused, ended }: { state: StreamState; paused?: boolean; ended: string }) {
  switch (state.kind) {
    case "connecting":
      return (
        <>
          <LoaderCircleIcon aria-hidden className="animate-spin" /> Connecting
        </>
      );
    case "live":
      return paused ? (
        <>
          <RadioIcon aria-hidden className="text-warning" /> Paused
        </>
      ) : (
        <>
          <RadioIcon aria-hidden className="text-success" /> Live
        </>
      );
    case "ended":
      return (
        <>
          <CircleCheckIcon aria-hidden /> {ended}
        </>
      );
    case "lost":
      return <Lost at={state.retryAt} />;
    case "refused":
      return (
        <>
          <UnplugIcon aria-hidden className="text-danger" /> Refused
        </>
      );
  }
}

function Lost({ at }: { at: number }) {
  const seconds = Math.max(1, Math.ceil((at - useNow()) / 1000));
  return (
    <>
      <UnplugIcon aria-hidden className="text-warning" /> Connection lost.{" "}
      <span aria-hidden>Again in {seconds} s</span>
    </>
  );
}
