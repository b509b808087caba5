// SPDX-License-Identifier: AGPL-3.0-or-later
import { useMemo } from "react";
import { qrCode } from "./qr";

/** What readers want around it. */
const MARGIN = 4;

/** Black on white in both themes: many readers take no other. Nothing of a text that is too long. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const rows = useMemo(() => qrCode(text), [text]);
  if (rows === null) return null;
  const size = rows.length + 2 * MARGIN;
  const path = rows
    .flatMap((row, y) =>
      [...row.matchAll(/1+/g)].map(
        (run) => `M${run.index + MARGIN} ${y + MARGIN}h${run[0].length}v1h-${run[0].length}z`,
      ),
    )
    .join("");
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      className="size-52 shrink-0 rounded-lg bg-white text-black"
    >
      <path d={path} fill="currentColor" />
    </svg>
  );
}
