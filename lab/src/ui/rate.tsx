// The learning-rate slider: logarithmic, with the regions and the stable limit drawn on it.

import { short } from "../engine/numbers.ts";
import { kindAt, type Kind } from "../engine/regions.ts";
import { NumberBox } from "./controls.tsx";
import type { Study } from "./study.ts";

const NOTCHES = 1000;

export const KINDS: Record<Kind, string> = {
  small: "too small", good: "good", oscillating: "oscillating", diverging: "diverging",
};

export function RateControl({ study, name = "Learning rate η" }: { study: Study; name?: string }) {
  const { fields, span, regions, limit, reason } = study;
  const rate = fields.rate.signal;
  const low = Math.min(span.value[0], rate.value);
  const high = Math.max(span.value[1], rate.value);
  const share = (x: number) => Math.log(x / low) / Math.log(high / low);
  const kind = kindAt(regions.value, rate.value);
  const set = (notch: number) => (rate.value = Number((low * Math.pow(high / low, notch / NOTCHES)).toPrecision(3)));
  const stable = limit.value;
  return (
    <div class="rate" data-kind={kind}>
      <div class="rate-head">
        <NumberBox label={name} value={rate.value} read={fields.rate.read} change={(value) => (rate.value = value)} hint="a rate is a number above 0" />
        <output class="kind" data-kind={kind}>{KINDS[kind]}</output>
        <p class="limit" title={reason.value}>
          {stable === null ? reason.value : <>stable up to <b data-value={String(stable)}>{short(stable)}</b> <span class="why">= {reason.value}</span></>}
        </p>
      </div>
      <div class="track">
        <div class="regions" aria-hidden="true">
          {regions.value.list.map(({ kind, from, to }, i, { length }) => {
            // The outer ones go on to the ends, which a rate far out moves away.
            const [left, right] = [i ? share(from) : 0, i < length - 1 ? share(to) : 1];
            return (
              <span key={`${kind}${from}`} data-kind={kind} class={right - left < 0.2 ? "tight" : ""} style={{ left: `${left * 100}%`, width: `${(right - left) * 100}%` }}>
                {right - left > 0.065 ? KINDS[kind] : ""}
              </span>
            );
          })}
          {stable !== null && stable > low && stable < high && <i class="stable" style={{ left: `${share(stable) * 100}%` }} />}
        </div>
        <input
          type="range" min={0} max={NOTCHES} step={1} value={Math.round(share(rate.value) * NOTCHES)} aria-label={name}
          aria-valuetext={`${short(rate.value)}, ${KINDS[kind]}${stable === null ? "" : `, ${short(rate.value / stable, 3)} of the stable limit`}`}
          onInput={(event) => set(Number(event.currentTarget.value))}
        />
      </div>
      <div class="ends" aria-hidden="true"><span>{short(low)}</span><span class="how">{regions.value.how}</span><span>{short(high)}</span></div>
    </div>
  );
}
