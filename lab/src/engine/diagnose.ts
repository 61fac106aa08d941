// What a walk did, why, and what to try: each finding with its number and its threshold.

import type { Curvature } from "./curvature.ts";
import type { Step } from "./descend.ts";
import { count, short } from "./numbers.ts";
import type { Objective } from "./objective.ts";
import { dot, mean } from "./vector.ts";

export type Symptom =
  | "diverging" | "converged" | "saddle" | "local" | "oscillating" | "crawling" | "ill-conditioned"
  | "noise" | "plateau" | "flat" | "falling";

export interface Finding {
  readonly symptom: Symptom;
  readonly tone: "good" | "warning" | "bad";
  /** What happened, with its number. */
  readonly says: string;
  /** What to do about it. */
  readonly advice: string;
  /** A rate to use next, where one is known to be better. */
  readonly rate: number | null;
}

export interface Facts {
  readonly steps: readonly Step[];
  readonly objective: Objective;
  readonly curvature: Curvature;
  /** Stable limit of this rule on this problem; null where none is known. */
  readonly limit: number | null;
  /** The rule's largest rate times curvature. */
  readonly product: number | null;
  readonly noisy: boolean;
  readonly rescales: boolean;
  /** Value of the minimum downhill of the start, and the lowest value that is known to exist. */
  readonly downhill: number | null;
  readonly lowest: number | null;
}

const ARRIVED = 1e-6;

/** Findings, the one that matters most first. */
export function diagnose(facts: Facts): Finding[] {
  const { steps } = facts;
  if (steps.length < 2) return [];
  const tests = [diverging, resting, noise, oscillating, crawling, plateau];
  const found = tests.map((test) => test(facts)).filter((finding) => finding !== null);
  const final = found.find((finding) => ["diverging", "converged", "saddle", "local", "flat"].includes(finding.symptom));
  if (final) return [final, ...found.filter((finding) => finding !== final && finding.symptom === "oscillating" && final.symptom === "converged")];
  return found.length ? found : [falling(facts)];
}

const size = (product: number): string => short(product, 3);

function diverging({ steps, limit, curvature, product, rescales }: Facts): Finding | null {
  const [first, last] = [steps[0]!, steps.at(-1)!];
  const best = Math.min(...steps.map((step) => step.value).filter(Number.isFinite));
  const rise = 4 * Math.max(Math.abs(first.value - best), 1e-9 * Math.abs(first.value));
  const over = limit !== null && !rescales && curvature.where === "everywhere" && first.rate > limit && last.value > first.value;
  if (Number.isFinite(last.value) && last.value <= first.value + rise && !over) return null;
  if (first.norm === 0) return null;
  const reason = limit !== null && !rescales && first.rate > limit
    ? `The rate ${short(first.rate)} is ${size(first.rate / limit)} times the stable limit ${short(limit)}: rate × largest curvature = ${size(first.rate * curvature.largest)}, above ${size(product!)}.`
    : `The value went from ${short(first.value)} to ${short(last.value)} in ${last.k} updates.`;
  const rate = limit !== null && !rescales && first.rate > limit ? limit / 2 : first.rate / 4;
  return {
    symptom: "diverging", tone: "bad",
    says: `It diverges: each step overshoots by more than the last. ${reason}`,
    advice: `Use a smaller rate; ${short(rate, 3)} is a good start.`,
    rate,
  };
}

function resting(facts: Facts): Finding | null {
  const { steps, objective, noisy } = facts;
  const first = steps[0]!;
  if (first.norm === 0) {
    return {
      symptom: "flat", tone: "warning", says: "The gradient is exactly 0 at the start, so no rule can move.",
      advice: "Choose another start.", rate: null,
    };
  }
  if (noisy) return null;
  const arrival = steps.findIndex((step) => step.norm <= ARRIVED * first.norm);
  if (arrival < 0) return null;
  return restingPlace(facts, arrival, objective);
}

function restingPlace({ steps, curvature, lowest }: Facts, arrival: number, objective: Objective): Finding {
  const last = steps.at(-1)!;
  const said = `after ${count(arrival)} updates the gradient is below one millionth of its first size, at a value of ${short(last.value)}`;
  const least = objective.quadratic ? curvature.smallest : leastBend(objective, last.w);
  if (least < -1e-9 * Math.abs(curvature.largest)) {
    return {
      symptom: "saddle", tone: "warning",
      says: `It rests on a saddle: ${said}, but the curvature there is ${short(least)} in one direction, so there is a way down.`,
      advice: "Start a little off the ridge, or add noise with small batches.", rate: null,
    };
  }
  if (lowest !== null && last.value > lowest + 1e-6 * (1 + Math.abs(lowest))) {
    return {
      symptom: "local", tone: "warning",
      says: `It rests in a local minimum: ${said}, while ${short(lowest)} can be reached elsewhere.`,
      advice: "Try another start, momentum, or a larger first rate.", rate: null,
    };
  }
  return {
    symptom: "converged", tone: "good", says: `Converged: ${said}.`,
    advice: arrival > 60 ? "A larger rate would have been there sooner." : "Nothing to mend.", rate: null,
  };
}

function leastBend(objective: Objective, w: readonly number[]): number {
  const h = objective.hessian(w);
  if (h.length === 1) return h[0]![0]!;
  if (h.length > 2) return 0;
  const [a, b, c] = [h[0]![0]!, h[0]![1]!, h[1]![1]!];
  return (a + c) / 2 - Math.hypot((a - c) / 2, b);
}

function oscillating({ steps, limit, rescales, noisy, curvature }: Facts): Finding | null {
  if (noisy) return null;
  const first = steps[0]!;
  const early = steps.slice(0, 21).filter((step) => step.norm > 1e-9 * first.norm);
  const turns = early.slice(1).filter((step, i) => {
    const before = early[i]!;
    return dot(step.gradient, before.gradient) < -0.5 * step.norm * before.norm;
  }).length;
  // Half of the limit and more overshoots for certain; the fast direction may die out within a few steps.
  const over = limit !== null && !rescales && curvature.where === "everywhere" && first.rate > limit / 2;
  if (early.length < 3 || turns <= (over ? 2 : (early.length - 1) / 2)) return null;
  const share = limit !== null && !rescales ? ` The rate is ${size(first.rate / limit)} of the stable limit, and rate × largest curvature = ${size(first.rate * curvature.largest)}.` : "";
  return {
    symptom: "oscillating", tone: "warning",
    says: `It oscillates: the gradient turned round in ${turns} of the first ${early.length - 1} updates, so the walk jumps across the valley.${share}`,
    advice: `Halve the rate to ${short(first.rate / 2, 3)}.`,
    rate: first.rate / 2,
  };
}

/** Factor by which the gradient shrinks each update, over the second half of the walk. */
function shrinkage(steps: readonly Step[]): number {
  const half = steps[Math.floor(steps.length / 2)]!;
  const last = steps.at(-1)!;
  return Math.pow(last.norm / half.norm, 1 / Math.max(1, last.k - half.k));
}

function crawling({ steps, limit, rescales, curvature, noisy, product }: Facts): Finding | null {
  const first = steps[0]!;
  if (limit === null || rescales || noisy) return null;
  const shrink = shrinkage(steps);
  const pace = shrink < 1 ? `at this pace the gradient needs ${count(Math.LN10 / -Math.log(shrink))} updates to fall to a tenth` : "the gradient hardly changes";
  const share = first.rate / limit;
  if (share < 0.05) {
    return {
      symptom: "crawling", tone: "warning",
      says: `It crawls: the rate is ${size(share)} of the stable limit ${short(limit)}, and ${pace}.`,
      advice: `Raise the rate ${short(0.5 / share, 2)} times, to ${short(limit / 2, 3)}.`,
      rate: limit / 2,
    };
  }
  if (curvature.condition > 1e3 && shrink > 0.99) {
    return {
      symptom: "ill-conditioned", tone: "warning",
      says: `The problem is ill-conditioned: the steepest direction bends ${short(curvature.condition, 3)} times as much as the flattest, so the one forbids the steps that the other needs; ${pace}.`,
      advice: objectiveHint(product),
      rate: null,
    };
  }
  return null;
}

const objectiveHint = (product: number | null): string =>
  product === 2 ? "Standardise the columns; where that cannot be done, use momentum." : "Standardise the columns.";

function noise({ steps, noisy, lowest }: Facts): Finding | null {
  if (!noisy || steps.length < 40) return null;
  const late = steps.slice(Math.floor(steps.length / 2));
  const products = late.slice(1).map((step, i) => dot(step.gradient, late[i]!.gradient));
  const middle = mean(products);
  const error = Math.sqrt(mean(products.map((p) => (p - middle) ** 2)) / products.length);
  const height = (part: readonly Step[]) => mean(part.map((step) => step.value)) - (lowest ?? 0);
  const [before, after] = [height(late.slice(0, late.length / 2)), height(late.slice(late.length / 2))];
  const reason = middle + 2 * error < 0
    ? `over the last half, one gradient times the next is ${short(middle, 3)} ± ${short(error, 2)} on average, below 0, so the steps undo each other`
    : lowest !== null && after > 0.8 * before
      ? `the last quarter of the walk is on average ${short(after, 3)} above the lowest value, the quarter before it ${short(before, 3)}`
      : null;
  if (reason === null) return null;
  const rate = late.at(-1)!.rate;
  return {
    symptom: "noise", tone: "warning",
    says: `It has reached its noise floor: ${reason}.`,
    advice: `Halve the rate to ${short(rate / 2, 3)}, let it decay, or use larger batches.`,
    rate: rate / 2,
  };
}

function plateau({ steps, lowest, noisy }: Facts): Finding | null {
  // A gradient that keeps shrinking belongs to a walk that is arriving.
  if (noisy || lowest === null || shrinkage(steps) < 0.98) return null;
  const [first, last] = [steps[0]!, steps.at(-1)!];
  const steepest = Math.max(...steps.map((step) => step.norm));
  const before = steps[Math.floor(steps.length * 0.75)]!;
  const gap = last.value - lowest;
  const stalled = before.value - last.value < 0.01 * gap;
  if (!stalled || gap < 0.05 * (first.value - lowest) || last.norm > Math.max(0.1 * steepest, 1e-9) && last.norm > 0.02) return null;
  return {
    symptom: "plateau", tone: "warning",
    says: `It stands on a plateau: the gradient is only ${short(last.norm)}, yet the value ${short(last.value)} is ${short(gap)} above one that can be reached.`,
    advice: "Use momentum or a larger rate, or start elsewhere.", rate: null,
  };
}

function falling(facts: Facts): Finding {
  const { steps, noisy, downhill, lowest } = facts;
  const [first, last] = [steps[0]!, steps.at(-1)!];
  const shrink = shrinkage(steps);
  const pace = !noisy && shrink > 0 && shrink < 1 ? ` The gradient shrinks to ${short(shrink, 3)} of itself each update: ${count(Math.max(1, Math.LN10 / -Math.log(shrink)))} updates for each factor of 10.` : "";
  if (downhill !== null && lowest !== null && last.value >= downhill && last.value - downhill < 0.01 * (downhill - lowest)) {
    return {
      symptom: "local", tone: "warning",
      says: `It is arriving at a local minimum of ${short(downhill)}, while ${short(lowest)} can be reached elsewhere.${pace}`,
      advice: "Try another start, momentum, or a larger first rate.", rate: null,
    };
  }
  const turn = last.value < first.value ? "falling" : "not falling";
  return {
    symptom: "falling", tone: last.value < first.value ? "good" : "warning",
    says: `It is ${turn}: from ${short(first.value)} to ${short(last.value)} in ${count(last.k)} updates.${pace}`,
    advice: last.value < first.value ? "Let it walk on." : "Try a smaller rate.", rate: null,
  };
}
