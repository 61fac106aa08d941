// A fair race: every runner has the same rows, start, seed and number of row gradients to spend.

import { curvatureAt, eigen, rescaledLimit, stableLimit } from "./curvature.ts";
import { walkFor, type Setting, type Step } from "./descend.ts";
import type { Loss } from "./losses.ts";
import type { Objective } from "./objective.ts";
import { normals, shuffled } from "./random.ts";
import { makeRate } from "./rates.ts";
import { overRows } from "./rows.ts";
import { makeRule, type Rule } from "./rules.ts";
import { range, type Vec } from "./vector.ts";

export interface Runner {
  readonly name: string;
  readonly label: string;
  readonly rule: Rule;
  /** Rows per step; all where null. */
  readonly batch: number | null;
}

export const RUNNERS: readonly Runner[] = [
  { name: "batch", label: "plain, all rows", rule: makeRule("plain"), batch: null },
  { name: "stochastic", label: "plain, 1 row", rule: makeRule("plain"), batch: 1 },
  { name: "mini", label: "plain, 8 rows", rule: makeRule("plain"), batch: 8 },
  { name: "momentum", label: "momentum", rule: makeRule("momentum"), batch: null },
  { name: "nesterov", label: "Nesterov", rule: makeRule("nesterov"), batch: null },
  { name: "adagrad", label: "AdaGrad", rule: makeRule("adagrad"), batch: null },
  { name: "rmsprop", label: "RMSProp", rule: makeRule("rmsprop"), batch: null },
  { name: "adam", label: "Adam", rule: makeRule("adam"), batch: null },
];

export interface Track {
  readonly objective: Objective;
  readonly x: Vec;
  readonly rows: number;
}

/** A track of rows y = 1.5 x + 0.5 + noise, whose valley is narrower the farther x lies from zero. */
export function track(rows: number, offset: number, loss: Loss, seed: number): Track {
  const normal = normals(seed);
  const x = range(rows).map(() => offset + normal());
  const y = x.map((value) => 1.5 * value + 0.5 + 0.5 * normal());
  return { objective: overRows([x], y, loss, ["w"]), x, rows };
}

function settingOf({ objective, rows }: Track, runner: Runner, start: Vec, seed: number): Omit<Setting, "rate"> {
  const base = { objective, rule: runner.rule, start };
  return runner.batch === null ? base : { ...base, batches: () => shuffled(rows, runner.batch!, seed) };
}

/** One run at one rate, for a number of passes over the rows. */
export function race(track: Track, runner: Runner, rate: number, start: Vec, passes: number, seed: number): Step[] {
  return walkFor({ ...settingOf(track, runner, start, seed), rate: makeRate(rate) }, passes * track.rows);
}

/** Where a run stands after some passes: its last step that they paid for. */
export function standing(steps: readonly Step[], passes: number, rows: number): Step {
  let last = steps[0]!;
  for (const step of steps) {
    if (step.spent > passes * rows) break;
    last = step;
  }
  return last;
}

export const TRIED = 25;

/** The best of a fixed number of rates, by the value at the end: the same tuning for everyone. */
export function tuned(track: Track, runner: Runner, start: Vec, passes: number, seed: number): number {
  const scale = 2 / curvatureAt(track.objective, start, "everywhere").largest;
  // Rules that rescale step by about the rate itself, whatever the curvature.
  const [low, high] = runner.rule.divisor === null ? [scale * 1e-3, scale * 2] : [1e-3, 3];
  const rates = range(TRIED).map((i) => low * Math.pow(high / low, i / (TRIED - 1)));
  const ends = rates.map((rate) => {
    const { value } = race(track, runner, rate, start, passes, seed).at(-1)!;
    return Number.isFinite(value) ? value : Infinity;
  });
  return Number(rates[ends.indexOf(Math.min(...ends))]!.toPrecision(3));
}

/**
 * A runner's own stable limit. For a batch of rows it is one that holds for the worst batch that can
 * be drawn: the curvature of a batch is at most the mean of its rows' own, factor × (1 + x²).
 */
export function ownLimit({ objective, x, rows }: Track, runner: Runner, step: Step): number | null {
  if (runner.rule.divisor !== null) return rescaledLimit(runner.rule, objective, step.w, step.after, step.k);
  if (runner.batch === null) return stableLimit(runner.rule, curvatureAt(objective, step.w, "everywhere"));
  const factor = objective.hessian(step.w)[1]![1]!;
  const steepest = x.map((value) => 1 + value * value).sort((a, b) => b - a).slice(0, Math.min(runner.batch, rows));
  const mean = steepest.reduce((sum, value) => sum + value, 0) / steepest.length;
  return runner.rule.stableProduct! / (factor * mean);
}

/** Condition number of the track: how much narrower the valley is than long. */
export function narrowness({ objective }: Track): number {
  const { values } = eigen(objective.hessian([0, 0]));
  return values[1]! / values[0]!;
}
