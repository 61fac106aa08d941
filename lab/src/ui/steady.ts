// A window that stays put: it moves only when what it must show has left it, or has become small in
// it, so that the ground does not slide away under a pointer that drags a start or a point.

import { computed, type ReadonlySignal } from "@preact/signals";
import type { Window } from "../draw/frame.ts";

const MUCH_LARGER = 4;

/** `fresh` says what the window should be and what must be seen; another `subject` starts anew. */
export function steady(fresh: () => { window: Window; shows: readonly (readonly number[])[]; subject: unknown }): ReadonlySignal<Window> {
  let kept: { window: Window; subject: unknown } | null = null;
  return computed(() => {
    const { window, shows, subject } = fresh();
    if (kept && kept.subject === subject && fits(kept.window, window, shows)) return kept.window;
    kept = { window, subject };
    return window;
  });
}

function fits(old: Window, window: Window, shows: readonly (readonly number[])[]): boolean {
  const [left, right, bottom, top] = old;
  const inside = shows.every(([x, y]) => x! >= left && x! <= right && (y === undefined || (y >= bottom && y <= top)));
  return inside && right - left < MUCH_LARGER * (window[1] - window[0]) && top - bottom < MUCH_LARGER * (window[3] - window[2]);
}
