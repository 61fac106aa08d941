// How sharply the surface bends, and so how far a step may go.

import type { Objective } from "./objective.ts";
import { motor, type Memory, type Rule } from "./rules.ts";
import { finite, range, type Matrix, type Vec } from "./vector.ts";

export interface Eigen {
  /** Ascending. */
  readonly values: readonly number[];
  /** One unit vector for each value. */
  readonly vectors: readonly Vec[];
}

/** Eigenvalues and vectors of a symmetric matrix by Jacobi's rotations. */
export function eigen(matrix: Matrix): Eigen {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = range(n).map((i) => range(n).map((j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    let all = 0;
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
      all += a[i]![j]! ** 2;
      if (i !== j) off += a[i]![j]! ** 2;
    }
    if (!(off > 1e-30 * all)) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, p, q);
  }
  const order = range(n).sort((i, j) => a[i]![i]! - a[j]![j]!);
  return {
    values: order.map((i) => a[i]![i]!),
    vectors: order.map((i) => range(n).map((row) => v[row]![i]!)),
  };
}

function rotate(a: number[][], v: number[][], p: number, q: number): void {
  const apq = a[p]![q]!;
  if (apq === 0) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  const turn = (x: number[], y: number[] | null, i: number, j: number) => {
    const other = y ?? x;
    const [left, right] = [x[i]!, other[j]!];
    x[i] = c * left - s * right;
    other[j] = s * left + c * right;
  };
  for (const row of a) turn(row, null, p, q);
  for (let k = 0; k < a.length; k++) turn(a[p]!, a[q]!, k, k);
  for (const row of v) turn(row, null, p, q);
}

export interface Curvature {
  readonly at: Vec;
  readonly largest: number;
  readonly smallest: number;
  /** Largest over smallest; infinite where a direction is flat. */
  readonly condition: number;
  /** In words: everywhere, or at which point. */
  readonly where: "everywhere" | "at the minimum" | "here";
}

/** Curvature at a point. */
export function curvatureAt(objective: Objective, at: Vec, where: Curvature["where"]): Curvature {
  const hessian = objective.hessian(at);
  if (!hessian.every(finite)) return { at, largest: NaN, smallest: NaN, condition: NaN, where };
  const { values } = eigen(hessian);
  const [smallest, largest] = [values[0]!, values.at(-1)!];
  // A flat direction comes out as rounding noise, of either sign.
  const flat = Math.abs(smallest) < 1e-14 * Math.abs(largest);
  return { at, largest, smallest: flat ? 0 : smallest, condition: flat ? Infinity : largest / smallest, where };
}

/** Largest rate that does not diverge on a quadratic of this curvature; null: no bound is known. */
export function stableLimit(rule: Rule, curvature: Curvature): number | null {
  if (rule.stableProduct === null || !(curvature.largest > 0)) return null;
  return rule.stableProduct / curvature.largest;
}

/** The same for a rule that rescales each weight, with the scales that it has after step k. */
export function rescaledLimit(rule: Rule, objective: Objective, w: Vec, memory: Memory, k: number): number | null {
  const divisors = motor(rule).divisors(memory, k);
  const hessian = objective.hessian(w);
  if (!divisors || rule.stableProduct === null || !hessian.every(finite)) return null;
  if (divisors.some((d) => !(d > 0))) return null;
  const scaled = hessian.map((row, i) => row.map((h, j) => h / Math.sqrt(divisors[i]! * divisors[j]!)));
  const largest = eigen(scaled).values.at(-1)!;
  return largest > 0 ? rule.stableProduct / largest : null;
}
