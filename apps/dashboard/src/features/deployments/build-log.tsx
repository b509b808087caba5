// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import type { StepName } from "@nanoscale/contracts";
import { ArrowDownIcon } from "lucide-react";
import { useDeferredValue, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Problem } from "@/components/ui/problem";
import type { BuildLogSnapshot } from "./build-log-store";
import { BuildLogBar, type LogView } from "./build-log-bar";
import { asText, filterChunks } from "./log-filter";
import { LogChunk } from "./log-line";

/** More than that is there on a click: the end is what is read. */
const SHOWN_CHUNKS = 60;
const NEAR_END_PX = 40;

const lineInAddress = () => {
  const match = /^#L(\d+)$/.exec(window.location.hash);
  return match ? Number(match[1]) : null;
};
function onHash(listener: () => void) {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

/** Ends with the newest line while the reader is at the end, and stays where they read when they scroll up. */
function useFollow(startAtEnd: boolean) {
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const top = useRef(0);
  const [following, setFollowing] = useState(startAtEnd);
  const [fits, setFits] = useState(true);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !content.current) return;
    // Lines come, and those that come into sight turn out higher or lower than was thought.
    const grown = () => {
      setFits(element.scrollHeight <= element.clientHeight);
      if (!following) return;
      element.scrollTop = element.scrollHeight;
      top.current = element.scrollTop;
    };
    grown();
    const observer = new ResizeObserver(grown);
    observer.observe(content.current);
    return () => observer.disconnect();
  }, [following]);
  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
    if (isAtEnd) setFollowing(true);
    else if (element.scrollTop < top.current) setFollowing(false);
    top.current = element.scrollTop;
  };
  return { box, content, following, fits, setFollowing, onScroll };
}

export function BuildLog({
  log,
  name,
  startAtEnd,
  goTo,
}: {
  log: BuildLogSnapshot;
  /** Of the file that is downloaded. */
  name: string;
  /** What is under way is followed, and of what failed the end is read first. */
  startAtEnd: boolean;
  /** A step that was chosen beside the log; `n` counts the choices. */
  goTo: { step: StepName; n: number } | null;
}) {
  const [view, setView] = useState<LogView>({ search: "", errorsOnly: false, times: false });
  const [all, setAll] = useState(false);
  const search = useDeferredValue(view.search);
  const marked = useSyncExternalStore(onHash, lineInAddress, () => null);
  const found = filterChunks(log.chunks, search, view.errorsOnly);
  const shown = all ? found : found.slice(-SHOWN_CHUNKS);
  const lines = found.reduce((sum, chunk) => sum + chunk.lines.length, 0);
  const { box, content, following, fits, setFollowing, onScroll } = useFollow(startAtEnd && marked === null);
  const there = marked !== null && marked <= log.total;

  useLayoutEffect(() => {
    if (there) document.getElementById(`L${marked}`)?.scrollIntoView({ block: "center" });
  }, [there, marked]);
  useLayoutEffect(() => {
    const heading = goTo ? document.getElementById(`step-${goTo.step}`) : null;
    const element = box.current;
    if (heading && element)
      element.scrollBy({ top: heading.getBoundingClientRect().top - element.getBoundingClientRect().top });
  }, [goTo, box]);

  return (
    <Card className="flex min-h-0 flex-col" aria-label="Build log">
      <BuildLogBar
        view={view}
        onView={setView}
        state={log.state}
        found={lines}
        total={log.total}
        text={() => asText(found)}
        name={name}
      />
      <div className="relative min-h-0">
        <div
          ref={box}
          role="log"
          aria-label="Lines of the build"
          aria-live="off"
          tabIndex={0}
          onScroll={onScroll}
          className="h-[min(70vh,44rem)] overflow-y-auto overscroll-contain rounded-b-xl bg-background py-2 font-mono text-xs leading-5 focus-visible:-outline-offset-2"
        >
          <div ref={content}>
            {found.length > shown.length ? (
              <p className="p-3 text-center">
                <Button variant="secondary" size="sm" onClick={() => setAll(true)}>
                  Show the beginning, too
                </Button>
              </p>
            ) : null}
            {shown.map((chunk, i) => (
              <LogChunk
                key={chunk.key}
                chunk={chunk}
                heading={shown[i - 1]?.step !== chunk.step}
                search={search}
                times={view.times}
                marked={marked}
              />
            ))}
            <Nothing log={log} lines={lines} />
          </div>
        </div>
        {following || fits ? null : (
          <Button
            variant="secondary"
            size="sm"
            className="absolute right-5 bottom-4 shadow-lg"
            onClick={() => setFollowing(true)}
          >
            <ArrowDownIcon aria-hidden /> Jump to the end
          </Button>
        )}
      </div>
    </Card>
  );
}

function Nothing({ log, lines }: { log: BuildLogSnapshot; lines: number }) {
  if (lines > 0) return null;
  if (log.state.kind === "refused")
    return <Problem title="The log could not be read" error={log.state.error} className="font-sans" />;
  const words =
    log.total > 0
      ? "No line is like that."
      : log.state.kind === "ended"
        ? "It wrote nothing."
        : "Waiting for the first line.";
  return <p className="px-5 py-2 text-muted-foreground">{words}</p>;
}
