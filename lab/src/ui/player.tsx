// The buttons that move through a walk.

import { count } from "../engine/numbers.ts";
import { SPEEDS, type Player } from "./player.ts";

export function PlayerBar({ player, unit = "update" }: { player: Player; unit?: string }) {
  const { k, last, playing, speed, go, toggle } = player;
  const at = Math.min(k.value, last.value);
  return (
    <div class="player" role="group" aria-label="Play the walk">
      <button type="button" onClick={() => go(0)} aria-label="To the start" title="To the start">⏮</button>
      <button type="button" onClick={() => go(at - 1)} disabled={at === 0} aria-label={`One ${unit} back`} title={`One ${unit} back`}>◀</button>
      <button type="button" class="play" onClick={toggle} aria-label={playing.value ? "Pause" : "Play"} title={playing.value ? "Pause" : "Play"}>
        {playing.value ? "❚❚" : "▶"}
      </button>
      <button type="button" onClick={() => go(at + 1)} aria-label={`One ${unit} forward`} title={`One ${unit} forward`}>▶❙</button>
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
