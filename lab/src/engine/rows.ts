// Rows of data and a loss as an objective: the mean loss of z = x·w + b, intercept last.

import type { Loss } from "./losses.ts";
import { full } from "./numbers.ts";
import type { Objective } from "./objective.ts";
import { range, zeros, type Vec } from "./vector.ts";

const FEW = 6;

/** Mean loss over rows of a linear model with one weight per column and an intercept. */
export function overRows(columns: readonly Vec[], y: Vec, loss: Loss, features: readonly string[]): Objective {
  const n = y.length;
  const wide = columns.length;
  const all = range(n);
  // Row by row in one block: the inner loop reads memory in order.
  const x = new Float64Array(n * wide);
  columns.forEach((column, j) => column.forEach((value, i) => (x[i * wide + j] = value)));

  function raw(w: Vec, row: number): number {
    let z = w[wide]!;
    for (let j = 0; j < wide; j++) z += x[row * wide + j]! * w[j]!;
    return z;
  }

  function gradient(w: Vec, rows: readonly number[] = all): number[] {
    const sum = zeros(wide + 1);
    for (const row of rows) {
      const slope = loss.slope(raw(w, row), y[row]!);
      for (let j = 0; j < wide; j++) sum[j] = sum[j]! + slope * x[row * wide + j]!;
      sum[wide] = sum[wide]! + slope;
    }
    return sum.map((total) => total / rows.length);
  }

  function hessian(w: Vec): number[][] {
    const bend = Array.from({ length: wide + 1 }, () => zeros(wide + 1));
    const one = zeros(wide + 1);
    one[wide] = 1;
    for (const row of all) {
      for (let j = 0; j < wide; j++) one[j] = x[row * wide + j]!;
      const weight = loss.curvature(raw(w, row), y[row]!) / n;
      if (weight === 0) continue;
      for (let i = 0; i <= wide; i++) {
        for (let j = 0; j <= i; j++) bend[i]![j] = bend[i]![j]! + weight * one[i]! * one[j]!;
      }
    }
    for (let i = 0; i <= wide; i++) for (let j = 0; j < i; j++) bend[j]![i] = bend[i]![j]!;
    return bend;
  }

  function arithmetic(w: Vec, rows: readonly number[] = all): string[] {
    const lead = loss.factor === 1 ? `1/${rows.length}` : `${loss.factor}/${rows.length}`;
    const sums = gradient(w, rows).map((mean) => (mean * rows.length) / loss.factor);
    return [...features, "b"].map((name, j) => {
      const part = j < wide ? "·x" : "";
      const terms = rows.map((row) => {
        const slope = loss.slope(raw(w, row), y[row]!) / loss.factor;
        return j < wide ? `(${full(slope)})·(${full(x[row * wide + j]!)})` : `(${full(slope)})`;
      });
      const spelled = rows.length <= FEW ? ` = (${lead})·[${terms.join(" + ")}]` : "";
      const error = loss.quadratic ? "(z − y)" : "slope";
      const total = full(sums[j]! * (loss.factor / rows.length));
      return `∂L/∂${name} = (${lead})·Σ ${error}${part}${spelled} = (${lead})·(${full(sums[j]!)}) = ${total}`;
    });
  }

  return {
    names: [...features, "b"],
    rows: n,
    quadratic: loss.quadratic,
    convention: loss.convention,
    value(w) {
      let sum = 0;
      for (let row = 0; row < n; row++) sum += loss.value(raw(w, row), y[row]!);
      return sum / n;
    },
    gradient,
    hessian,
    arithmetic,
  };
}
