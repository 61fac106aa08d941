// Playing a walk: a clock that moves the step shown.

import { effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";

export interface Player {
  readonly playing: Signal<boolean>;
  /** Updates per second. */
  readonly speed: Signal<number>;
  readonly k: Signal<number>;
  readonly last: ReadonlySignal<number>;
  go(k: number): void;
  toggle(): void;
}

export const SPEEDS = [1, 2, 5, 10, 30, 60];

/** A player over steps 0 to `last`; one step forward at the end asks for one update more. */
export function player(k: Signal<number>, last: ReadonlySignal<number>, extend: () => void): Player {
  const playing = signal(false);
  const speed = signal(5);
  const go = (to: number) => {
    if (to > last.value) extend();
    k.value = Math.max(0, Math.min(to, last.value));
  };
  effect(() => {
    if (!playing.value) return;
    const pace = speed.value;
    let [before, owed] = [performance.now(), 0];
    let frame = requestAnimationFrame(function tick(now) {
      owed += ((now - before) / 1000) * pace;
      before = now;
      if (owed >= 1) {
        k.value = Math.min(last.peek(), k.peek() + Math.floor(owed));
        owed %= 1;
      }
      if (k.peek() >= last.peek()) playing.value = false;
      else frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  });
  return {
    playing, speed, k, last, go,
    toggle() {
      if (!playing.value && k.value >= last.value) k.value = 0;
      playing.value = !playing.value;
    },
  };
}
