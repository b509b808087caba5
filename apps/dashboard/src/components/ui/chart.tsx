// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import { useEffect, useId, useRef, useState } from "react";
import { areaPath, axis, linePath, newest, thin, type Values } from "@/lib/series";
import { Crosshair } from "./chart-crosshair";

export type Line = { name: string; values: Values; colour: 1 | 2 | 3 };
export const STROKES = { 1: "stroke-chart-1", 2: "stroke-chart-2", 3: "stroke-chart-3" } as const;
const FILLS = { 1: "fill-chart-1/10", 2: "fill-chart-2/10", 3: "fill-chart-3/10" } as const;
export const SWATCHES = { 1: "bg-chart-1", 2: "bg-chart-2", 3: "bg-chart-3" } as const;

export const BOX = { height: 192, top: 10, bottom: 24, left: 64, right: 8 } as const;
const PIXELS_PER_POINT = 2;
const PIXELS_PER_LABEL = 110;

const hours = (at: number) =>
  new Date(at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
const days = (at: number) => new Date(at).toLocaleDateString(undefined, { day: "numeric", month: "short" });

/** Lines over time, as /statistics has them: gaps stay gaps. Read with the mouse, a finger or the arrow keys. */
export function TimeChart({
  title,
  lines,
  start,
  stepSeconds,
  format,
  base = 10,
  least = 0,
  max,
}: {
  title: string;
  lines: Line[];
  start: string;
  stepSeconds: number;
  format: (value: number) => string;
  /** 1024 for bytes. */
  base?: 10 | 1024;
  /** So far the axis goes at least: what is next to nothing looks so. */
  least?: number;
  /** Where the axis ends; else where the greatest value is. */
  max?: number;
}) {
  const box = useRef<HTMLDivElement>(null);
  const clip = useId();
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const inner = Math.max(1, width - BOX.left - BOX.right);
  const count = lines[0]?.values.length ?? 0;
  const points = Math.max(2, Math.min(count, Math.floor(inner / PIXELS_PER_POINT)));
  const thinned = lines.map((line) => ({ ...line, values: thin(line.values, points) }));
  const greatest = Math.max(least, ...thinned.flatMap((line) => line.values.map((v) => v ?? 0)));
  const ticks = axis(max ?? greatest, base);
  const top = max ?? ticks.at(-1) ?? 1;
  const height = BOX.height - BOX.top - BOX.bottom;
  const from = Date.parse(start);
  const spanMs = count * stepSeconds * 1000;
  const labels = Math.max(1, Math.floor(inner / PIXELS_PER_LABEL));
  const time = spanMs > 2 * 86_400_000 ? days : hours;
  const summary = lines.map((line) => {
    const value = newest(line.values);
    return `${line.name} ${value === null ? "not known" : `now ${format(value)}`}`;
  });

  return (
    <figure className="grid gap-2">
      <figcaption className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1 text-sm">
        <span className="font-medium">{title}</span>
        <span className="flex flex-wrap gap-x-4 text-muted-foreground">
          {lines.map((line) => {
            const value = newest(line.values);
            return (
              <span key={line.name} className="inline-flex items-center gap-1.5">
                <i aria-hidden className={`h-0.5 w-3.5 rounded ${SWATCHES[line.colour]}`} />
                {line.name}
                <b className="font-medium text-foreground tabular-nums">
                  {value === null ? "–" : format(value)}
                </b>
              </span>
            );
          })}
        </span>
      </figcaption>
      <div ref={box} className="relative h-48">
        {width > 0 ? (
          <>
            <svg
              role="img"
              aria-label={`${title}: ${summary.join(", ")}`}
              width={width}
              height={BOX.height}
              className="block"
            >
              {ticks.map((tick) => {
                const y = BOX.top + height - (tick / top) * height;
                if (y < BOX.top - 1) return null;
                return (
                  <g key={tick} className="text-border">
                    <line x1={BOX.left} x2={width - BOX.right} y1={y} y2={y} stroke="currentColor" />
                    <text
                      x={BOX.left - 8}
                      y={y + 4}
                      textAnchor="end"
                      className="fill-muted-foreground text-[11px] tabular-nums"
                    >
                      {format(tick)}
                    </text>
                  </g>
                );
              })}
              {Array.from({ length: labels }, (_, i) => {
                const at = (i + 0.5) / labels;
                return (
                  <text
                    key={i}
                    x={BOX.left + at * inner}
                    y={BOX.height - 6}
                    textAnchor="middle"
                    className="fill-muted-foreground text-[11px] tabular-nums"
                  >
                    {time(from + at * spanMs)}
                  </text>
                );
              })}
              <clipPath id={clip}>
                <rect y={-2} width={inner} height={height + 4} />
              </clipPath>
              <g transform={`translate(${BOX.left} ${BOX.top})`} clipPath={`url(#${clip})`}>
                {thinned.map((line, i) => (
                  <g key={line.name}>
                    {i === 0 ? (
                      <path d={areaPath(line.values, inner, height, top)} className={FILLS[line.colour]} />
                    ) : null}
                    <path
                      d={linePath(line.values, inner, height, top)}
                      fill="none"
                      strokeWidth={1.75}
                      strokeLinejoin="round"
                      strokeLinecap="round"
                      className={STROKES[line.colour]}
                    />
                  </g>
                ))}
              </g>
            </svg>
            <Crosshair
              lines={thinned}
              inner={inner}
              from={from}
              spanMs={spanMs}
              top={top}
              format={format}
              title={title}
            />
          </>
        ) : null}
      </div>
    </figure>
  );
}

/** A line without axes for a card. `label` says in words what it shows. */
export function Sparkline({
  values,
  max,
  label,
  colour = 1,
}: {
  values: Values;
  max?: number;
  label: string;
  colour?: Line["colour"];
}) {
  const thinned = thin(values, 120);
  const top = max ?? Math.max(1e-9, ...thinned.map((v) => v ?? 0)) * 1.15;
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox="0 0 240 40"
      preserveAspectRatio="none"
      className="block h-10 w-full"
    >
      <path d={areaPath(thinned, 240, 40, top)} className={FILLS[colour]} />
      <path
        d={linePath(thinned, 240, 40, top)}
        fill="none"
        vectorEffect="non-scaling-stroke"
        strokeWidth={1.5}
        strokeLinejoin="round"
        className={STROKES[colour]}
      />
    </svg>
  );
}
