// SPDX-License-Identifier: AGPL-3.0-or-later
"use client";

import "@xterm/xterm/css/xterm.css";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal, type ITheme } from "@xterm/xterm";
import { useTheme } from "next-themes";
import { useEffect, useEffectEvent, useRef } from "react";
import { MOST_LINES } from "./buffer";

/** What the tab may do with it. */
export type Screen = {
  write: (text: string) => void;
  clear: () => void;
  toEnd: () => void;
};

const FONT_PX = 12;
const DARK: ITheme = {
  background: "#0a0b0f",
  foreground: "#d9dce4",
  cursor: "#0a0b0f",
  selectionBackground: "#3b3f6b",
  red: "#ff7b72",
  green: "#5bd69b",
  yellow: "#f0c761",
  blue: "#7fb3ff",
  magenta: "#c9a3ff",
  cyan: "#6fd6e6",
  brightBlack: "#8a93a6",
  brightYellow: "#f0c761",
  black: "#0a0b0f",
};
const LIGHT: ITheme = {
  background: "#ffffff",
  foreground: "#22252d",
  cursor: "#ffffff",
  selectionBackground: "#cfd3ff",
  red: "#b42318",
  green: "#0f7a45",
  yellow: "#855a00",
  blue: "#1f55c4",
  magenta: "#7b35c9",
  cyan: "#0b6a80",
  white: "#5b6070",
  brightWhite: "#22252d",
  brightBlack: "#666c7a",
  brightYellow: "#f5cf6b",
  black: "#22252d",
};

/** Keys that scroll. All others are the page's: Tab leads on, Ctrl+C copies. */
function scrollBy(term: Terminal, key: string) {
  const moves: Record<string, () => void> = {
    ArrowUp: () => term.scrollLines(-1),
    ArrowDown: () => term.scrollLines(1),
    PageUp: () => term.scrollPages(-1),
    PageDown: () => term.scrollPages(1),
    Home: () => term.scrollToTop(),
    End: () => term.scrollToBottom(),
  };
  moves[key]?.();
  return key in moves;
}

export default function LogTerminal({
  onReady,
  onAway,
  readable,
}: {
  /** null when it is taken down. */
  onReady: (screen: Screen | null) => void;
  /** The reader has scrolled: whether away from the end. */
  onAway: (away: boolean) => void;
  /** Its lines can be read by a screen reader: while nothing comes in. */
  readable: boolean;
}) {
  const host = useRef<HTMLDivElement>(null);
  const made = useRef<Terminal>(null);
  const light = useTheme().resolvedTheme === "light";
  const ready = useEffectEvent(onReady);
  const away = useEffectEvent(onAway);
  const theme = useEffectEvent(() => (light ? LIGHT : DARK));

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const family = `${getComputedStyle(document.documentElement).getPropertyValue("--font-geist-mono")}, monospace`;
    const term = new Terminal({
      disableStdin: true,
      cursorBlink: false,
      cursorInactiveStyle: "none",
      scrollback: MOST_LINES,
      fontSize: FONT_PX,
      lineHeight: 1.4,
      fontFamily: family,
      minimumContrastRatio: 4.5,
      theme: theme(),
    });
    const fit = new FitAddon();
    term.loadAddon(fit);
    let gone = false;
    const observer = new ResizeObserver(() => fit.fit());
    const look = () =>
      requestAnimationFrame(() => {
        if (!gone) away(term.buffer.active.viewportY < term.buffer.active.baseY);
      });
    term.attachCustomKeyEventHandler((event) => {
      if (event.type !== "keydown" || !scrollBy(term, event.key)) return false;
      event.preventDefault();
      look();
      return false;
    });
    // The terminal measures its cells once, when it opens: the font has to be there by then.
    void document.fonts.load(`${FONT_PX}px ${family}`).then(() => {
      if (gone) return;
      term.open(element);
      term.textarea?.setAttribute("aria-label", "Lines of the app");
      term.textarea?.setAttribute("readonly", "");
      fit.fit();
      observer.observe(element);
      made.current = term;
      ready({
        write: (text) => term.write(text),
        clear: () => term.reset(),
        toEnd: () => term.scrollToBottom(),
      });
    });
    // Up is away at once: with many lines a second the next ones would lead back before it is looked.
    const onWheel = (event: WheelEvent) => {
      if (event.deltaY < 0 && term.buffer.active.baseY > 0) away(true);
      else look();
    };
    const events = ["touchmove", "touchend", "pointerup"] as const;
    for (const name of events) element.addEventListener(name, look, { passive: true });
    element.addEventListener("wheel", onWheel, { passive: true, capture: true });
    return () => {
      gone = true;
      for (const name of events) element.removeEventListener(name, look);
      element.removeEventListener("wheel", onWheel, { capture: true });
      observer.disconnect();
      made.current = null;
      ready(null);
      term.dispose();
    };
  }, []);
  useEffect(() => {
    if (made.current) made.current.options.theme = light ? LIGHT : DARK;
  }, [light]);
  useEffect(() => {
    if (made.current) made.current.options.screenReaderMode = readable;
  }, [readable]);

  return <div ref={host} className="h-[min(68vh,44rem)] overflow-hidden py-2 pl-4" />;
}
