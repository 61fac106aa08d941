// The noise floor: where a constant rate keeps a stochastic walk, by formula and as measured.

import { eigen } from "./curvature.ts";
import { walk, type Setting, type Step } from "./descend.ts";
import type { Objective } from "./objective.ts";
import { drawn } from "./random.ts";
import { dot, mean, minus, range, type Matrix, type Vec } from "./vector.ts";

/** Mini-batch gradients at one point, for the cloud. */
export function cloud(objective: Objective, w: Vec, batch: number, size: number, seed: number): Vec[] {
  const batches = drawn(objective.rows, batch, seed);
  return range(size).map(() => objective.gradient(w, batches.next().value as number[]));
}

/** Mean outer product of deviations from a centre. */
export function covariance(points: readonly Vec[], centre: Vec): Matrix {
  const apart = points.map((point) => minus(point, centre));
  return centre.map((_, i) => centre.map((_, j) => mean(apart.map((d) => d[i]! * d[j]!))));
}

/**
 * Mean value above the minimum that plain steps of a constant rate end up with on a quadratic:
 * the sum over eigendirections of η σ² / (2 (2 − ηλ)), σ² being the noise variance of the batch
 * gradient in that direction. Infinite at or above the stable limit.
 */
export function floorOf(hessian: Matrix, noise: Matrix, rate: number): number {
  const { values, vectors } = eigen(hessian);
  return values.reduce((sum, bend, i) => {
    const v = vectors[i]!;
    const variance = dot(v, noise.map((row) => dot(row, v)));
    return sum + (rate * bend < 2 ? (rate * variance) / (2 * (2 - rate * bend)) : Infinity);
  }, 0);
}

/** Mean excess over the second half of a walk, and its standard error from 10 blocks. */
export function measuredFloor(steps: readonly Step[], lowest: number): { level: number; error: number } {
  const late = steps.slice(Math.floor(steps.length / 2)).map((step) => step.value - lowest);
  const width = Math.floor(late.length / 10);
  if (width < 1) return { level: mean(late), error: NaN };
  const blocks = range(10).map((i) => mean(late.slice(i * width, (i + 1) * width)));
  const level = mean(late);
  return { level, error: Math.sqrt(mean(blocks.map((b) => (b - level) ** 2)) / 9) };
}

/** Of many walkers with different draws, how many end beyond a ridge. */
export function escapes(setting: Omit<Setting, "batches">, batch: number, walkers: number, updates: number, beyond: (w: Vec) => boolean, seed: number): { ends: Vec[]; escaped: number } {
  const rows = setting.objective.rows;
  const ends = range(walkers).map((i) => {
    const batches = batch >= rows ? undefined : () => drawn(rows, batch, seed + 7919 * i);
    return walk(batches ? { ...setting, batches } : setting, updates).at(-1)!.w;
  });
  return { ends, escaped: ends.filter(beyond).length };
}
