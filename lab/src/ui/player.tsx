// The buttons that move through a walk.

import { count } from "../engine/numbers.ts";
import { SPEEDS, type Player } from "./player.ts";

// Drawn, not typed: few fonts have the signs of a player.
const ICONS = {
  start: "M3 3h2.5v14H3zM17 3v14L7 10z",
  back: "M15 3v14L5 10z",
  play: "M5 3v14l11-7z",
  pause: "M4 3h4.5v14H4zM11.5 3H16v14h-4.5z",
  forward: "M4 3v14l9-7zM14 3h2.5v14H14z",
};

function Button({ icon, label, press, off = false }: { icon: keyof typeof ICONS; label: string; press: () => void; off?: boolean }) {
  return (
    <button class={icon} onClick={press} disabled={off} aria-label={label} title={label}>
      <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true"><path d={ICONS[icon]} fill="currentColor" /></svg>
    </button>
  );
}

export function PlayerBar({ player, unit = "update" }: { player: Player; unit?: string }) {
  const { k, last, playing, speed, go, toggle } = player;
  const at = Math.min(k.value, last.value);
  return (
    <div class="player" role="group" aria-label="Play the walk">
      <Button icon="start" label="To the start" press={() => go(0)} />
      <Button icon="back" label={`One ${unit} back`} press={() => go(at - 1)} off={at === 0} />
      <Button icon={playing.value ? "pause" : "play"} label={playing.value ? "Pause" : "Play"} press={toggle} />
      <Button icon="forward" label={`One ${unit} forward`} press={() => go(at + 1)} />
      <input
        type="range" class="scrub" min={0} max={last.value} step={1} value={at} aria-label={`Step shown`}
        aria-valuetext={`${unit} ${at} of ${last.value}`} onInput={(event) => go(Number(event.currentTarget.value))}
      />
      <output class="count">{count(at)}<span> / {count(last.value)}</span></output>
      <label class="speed">
        <span class="away">Speed, {unit}s a second</span>
        <select value={String(speed.value)} onChange={(event) => (speed.value = Number(event.currentTarget.value))}>
          {SPEEDS.map((s) => <option key={s} value={String(s)}>{s}/s</option>)}
        </select>
      </label>
    </div>
  );
}
