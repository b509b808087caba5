// SPDX-License-Identifier: AGPL-3.0-or-later
import { memo } from "react";
import { plain, spans, type Colour } from "@/lib/ansi";
import { cn } from "@/lib/cn";
import type { Chunk, NumberedLine } from "./build-log-store";
import { cut, isError } from "./log-filter";
import { STEP_WORDS } from "./states";

const COLOURS: Record<Colour, string> = {
  red: "text-danger",
  green: "text-success",
  yellow: "text-warning",
  blue: "text-info",
  magenta: "text-primary",
  cyan: "text-info",
  dim: "text-muted-foreground",
};

function Text({ line, search }: { line: string; search: string }) {
  return spans(line).map((span, i) => (
    <span
      key={i}
      className={
        span.colour || span.bold
          ? cn(span.colour && COLOURS[span.colour], span.bold && "font-semibold")
          : undefined
      }
    >
      {cut(span.text, search).map((text, j) =>
        j % 2 === 1 ? (
          <mark key={j} className="rounded-xs bg-warning text-background">
            {text}
          </mark>
        ) : (
          text
        ),
      )}
    </span>
  ));
}

const clock = (at: string) => new Date(at).toLocaleTimeString(undefined, { hour12: false });

function Line({ line: l, search, times, marked }: Drawn & { line: NumberedLine }) {
  return (
    <div
      id={`L${l.number}`}
      className={cn(
        "flex gap-3 px-4 hover:bg-muted/50 sm:px-5",
        isError(plain(l.line)) && "bg-danger/8",
        marked === l.number && "bg-primary/15 hover:bg-primary/20",
      )}
    >
      <a
        href={`#L${l.number}`}
        aria-label={`Line ${l.number}`}
        tabIndex={-1}
        data-number={l.number}
        className="w-9 shrink-0 text-right text-muted-foreground select-none before:content-[attr(data-number)] hover:text-foreground"
      />
      {times ? (
        <time dateTime={l.at} className="shrink-0 text-muted-foreground select-none">
          {clock(l.at)}
        </time>
      ) : null}
      <span className="min-w-0 flex-1 wrap-anywhere whitespace-pre-wrap">
        <Text line={l.line} search={search} />
      </span>
    </div>
  );
}

/** leading-5 */
const LINE_PX = 20;

type Drawn = { search: string; times: boolean; marked: number | null };

/** Drawn once, and not laid out while it is out of sight: a log has up to 16 MiB. */
export const LogChunk = memo(
  function LogChunk({ chunk, heading, ...drawn }: Drawn & { chunk: Chunk; heading: boolean }) {
    return (
      <div
        className="[content-visibility:auto]"
        style={{ containIntrinsicBlockSize: `auto ${chunk.lines.length * LINE_PX}px` }}
      >
        {heading ? (
          <h3
            id={`step-${chunk.step}`}
            className="border-y bg-muted/60 px-4 py-1 font-sans text-xs font-medium text-muted-foreground first:border-t-0 sm:px-5"
          >
            {STEP_WORDS[chunk.step].title}
          </h3>
        ) : null}
        {chunk.lines.map((line) => (
          <Line key={line.number} line={line} {...drawn} />
        ))}
      </div>
    );
  },
  (a, b) =>
    a.heading === b.heading &&
    a.search === b.search &&
    a.times === b.times &&
    (a.marked === b.marked || !(has(a.chunk, a.marked) || has(b.chunk, b.marked))) &&
    a.chunk.lines.length === b.chunk.lines.length &&
    a.chunk.lines[0] === b.chunk.lines[0] &&
    a.chunk.lines.at(-1) === b.chunk.lines.at(-1),
);

const has = (chunk: Chunk, number: number | null) => chunk.lines.some((line) => line.number === number);
