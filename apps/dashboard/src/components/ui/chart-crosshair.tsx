// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useState } from "react";
import { exactTime } from "@/lib/time";
import { BOX, SWATCHES, type Line } from "./chart";

/** What every line says at one moment: that below the pointer, or the one that the arrow keys have come to. */
export function Crosshair({
  title,
  lines,
  inner,
  from,
  spanMs,
  top,
  format,
}: {
  title: string;
  lines: Line[];
  inner: number;
  from: number;
  spanMs: number;
  top: number;
  format: (value: number) => string;
}) {
  const [index, setIndex] = useState<number | null>(null);
  const points = lines[0]?.values.length ?? 0;
  const last = Math.max(0, points - 1);
  const height = BOX.height - BOX.top - BOX.bottom;

  const point = (event: React.PointerEvent<HTMLDivElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left - BOX.left;
    setIndex(Math.round(Math.min(1, Math.max(0, x / inner)) * last));
  };
  const key = (event: React.KeyboardEvent) => {
    const at = index ?? last;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") setIndex(null);
    if (to === undefined) return;
    event.preventDefault();
    setIndex(Math.min(last, Math.max(0, to)));
  };
  const at = index === null ? null : Math.min(index, last);
  const x = at === null ? 0 : BOX.left + (last ? (at / last) * inner : 0);
  const moment = at === null ? 0 : from + ((at + 0.5) / points) * spanMs;
  return (
    <div
      role="slider"
      tabIndex={0}
      aria-label={`${title}, moment`}
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={at ?? last}
      aria-valuetext={at === null ? "Arrow keys read the values" : read(lines, at, moment, format)}
      className="absolute inset-0 touch-pan-y rounded-md"
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={() => setIndex(null)}
      onBlur={() => setIndex(null)}
      onKeyDown={key}
    >
      {at === null ? null : (
        <>
          <svg aria-hidden width="100%" height={BOX.height} className="pointer-events-none absolute inset-0">
            <line x1={x} x2={x} y1={BOX.top} y2={BOX.top + height} className="stroke-muted-foreground/60" />
            {lines.map((line) => {
              const value = line.values[at];
              if (typeof value !== "number") return null;
              const y = BOX.top + height - (Math.min(value, top) / top) * height;
              return <circle key={line.name} cx={x} cy={y} r={3.5} className={DOTS[line.colour]} />;
            })}
          </svg>
          <Readout lines={lines} at={at} moment={moment} format={format} right={x > BOX.left + inner / 2} />
        </>
      )}
    </div>
  );
}

const DOTS = { 1: "fill-chart-1", 2: "fill-chart-2", 3: "fill-chart-3" } as const;

function read(lines: Line[], at: number, moment: number, format: (value: number) => string) {
  const values = lines.map(({ name, values }) => {
    const value = values[at];
    return `${name} ${typeof value === "number" ? format(value) : "not known"}`;
  });
  return `${exactTime(moment)}: ${values.join(", ")}`;
}

/** In the half where the pointer is not, so that it never hides what is pointed at. */
function Readout({
  lines,
  at,
  moment,
  format,
  right,
}: {
  lines: Line[];
  at: number;
  moment: number;
  format: (value: number) => string;
  right: boolean;
}) {
  return (
    <div
      aria-hidden
      className={`pointer-events-none absolute top-2 rounded-md border bg-elevated px-2.5 py-1.5 text-xs shadow-lg ${right ? "left-16" : "right-4"}`}
    >
      <p className="text-muted-foreground">
        {new Date(moment).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}
      </p>
      {lines.map(({ name, values, colour }) => {
        const value = values[at];
        return (
          <p key={name} className="flex items-center gap-1.5">
            <i className={`h-0.5 w-3 rounded ${SWATCHES[colour]}`} />
            {name}
            <b className="ml-auto pl-3 font-medium tabular-nums">
              {typeof value === "number" ? format(value) : "not known"}
            </b>
          </p>
        );
      })}
    </div>
  );
}
