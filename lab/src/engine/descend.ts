// The walk: an endless iterator of steps. Stopping and recording wrap it.

import type { Objective } from "./objective.ts";
import type { Rate } from "./rates.ts";
import { motor, type Memory, type Rule } from "./rules.ts";
import { finite, norm, plus, type Vec } from "./vector.ts";

export interface Step {
  readonly k: number;
  readonly w: Vec;
  /** Objective over all rows at w. */
  readonly value: number;
  /** Gradient that this step follows: over the batch where there is one. */
  readonly gradient: Vec;
  readonly norm: number;
  readonly rate: number;
  readonly direction: Vec;
  /** What the rule remembered before this step, and after it. */
  readonly before: Memory;
  readonly after: Memory;
  readonly rows: readonly number[] | undefined;
  /** Row gradients evaluated before this step. */
  readonly spent: number;
}

export interface Setting {
  readonly objective: Objective;
  readonly rule: Rule;
  readonly rate: Rate;
  readonly start: Vec;
  /** Batches of row numbers; all rows at every step where absent. */
  readonly batches?: () => Iterator<readonly number[]>;
}

/** Steps from the start, without end: step k stands at w and says where it goes from there. */
export function* steps({ objective, rule, rate, start, batches }: Setting): Generator<Step> {
  const { init, direction } = motor(rule);
  const draws = batches?.();
  let [w, memory, spent] = [start, init(start.length), 0];
  for (let k = 0; ; k++) {
    const rows = draws?.next().value as readonly number[] | undefined;
    const gradient = objective.gradient(w, rows);
    const length = rate(k);
    const [toward, after] = direction(gradient, w, memory, k);
    yield {
      k, w, value: objective.value(w), gradient, norm: norm(gradient), rate: length,
      direction: toward, before: memory, after, rows, spent,
    };
    w = plus(w, toward, -length);
    memory = after;
    spent += rows?.length ?? objective.rows;
  }
}

/** The first steps of a walk, up to `count` updates or to the first number that is not finite. */
export function walk(setting: Setting, count: number): Step[] {
  const taken: Step[] = [];
  for (const step of steps(setting)) {
    taken.push(step);
    if (step.k >= count || !finite(step.w) || !Number.isFinite(step.value)) return taken;
  }
  return taken;
}

/** Steps of a walk for as many row gradients as allowed: the fair measure of a race. */
export function walkFor(setting: Setting, budget: number): Step[] {
  const taken: Step[] = [];
  for (const step of steps(setting)) {
    if (step.spent > budget) return taken;
    taken.push(step);
    if (!finite(step.w) || !Number.isFinite(step.value)) return taken;
  }
  return taken;
}
