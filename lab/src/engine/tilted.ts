// Noise that is known exactly: every row is the same surface tilted its own way, and the tilts
// cancel in the mean. A mini-batch gradient is then the true gradient plus the mean of its tilts.

import { full } from "./numbers.ts";
import type { Objective } from "./objective.ts";
import { normals } from "./random.ts";
import { mean, range, type Vec } from "./vector.ts";

/** Row tilts of standard deviation `size` in each weight that add up to zero. */
export function tilts(rows: number, weights: number, size: number, seed: number): number[][] {
  const normal = normals(seed);
  const columns = range(weights).map(() => {
    const raw = range(rows).map(() => normal());
    const middle = mean(raw);
    const spread = Math.sqrt(mean(raw.map((x) => (x - middle) ** 2)));
    return raw.map((x) => ((x - middle) / spread) * size);
  });
  return range(rows).map((row) => columns.map((column) => column[row]!));
}

/** The objective with each row's tilt: f_i(w) = f(w) + c_i·w with Σ c_i = 0. */
export function tilted(objective: Objective, c: readonly Vec[]): Objective {
  const shift = (rows: readonly number[], j: number) => mean(rows.map((row) => c[row]![j]!));
  return {
    ...objective,
    rows: c.length,
    convention: `${objective.convention}; row i adds cᵢ·w, and the ${c.length} tilts cᵢ cancel in the mean`,
    gradient(w, rows) {
      const slope = objective.gradient(w);
      return rows ? slope.map((g, j) => g + shift(rows, j)) : slope;
    },
    arithmetic(w, rows) {
      const lines = objective.arithmetic(w);
      if (!rows) return lines;
      const slope = objective.gradient(w);
      return lines.map((line, j) => {
        const tilt = shift(rows, j);
        return `${line}; this batch of ${rows.length} tilts it by ${full(tilt)}: g = ${full(slope[j]! + tilt)}`;
      });
    },
  };
}
