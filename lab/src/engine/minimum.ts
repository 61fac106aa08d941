// Where the surface is lowest: downhill from a point, and all along a line.

import { eigen } from "./curvature.ts";
import type { Objective } from "./objective.ts";
import { dot, finite, norm, plus, spaced, type Vec } from "./vector.ts";

/**
 * The minimum that lies downhill of a point: Newton's step, its curvatures taken by size so that it
 * leads down even on a saddle, halved until the value falls. Null where there is none to be found.
 */
export function settle(objective: Objective, from: Vec, tries = 400): Vec | null {
  // Where the surface has more than one valley a long step could leave the one it stands in.
  const reach = objective.quadratic || objective.rows > 1 ? Infinity : 0.05 * (1 + norm(from));
  let w = from;
  let value = objective.value(w);
  const first = norm(objective.gradient(w));
  if (first === 0 || !Number.isFinite(first)) return Number.isFinite(first) ? w : null;
  for (let k = 0; k < tries; k++) {
    const gradient = objective.gradient(w);
    if (!finite(gradient) || !Number.isFinite(value)) return null;
    if (norm(gradient) <= 1e-12 * first) return w;
    const toward = within(reach, newton(objective, w, gradient));
    let length = 1;
    let next = plus(w, toward, -1);
    const promised = dot(gradient, toward);
    while (!(objective.value(next) <= value - 1e-4 * length * promised)) {
      length /= 2;
      if (length < 1e-12) return norm(gradient) <= 1e-6 * first ? w : null;
      next = plus(w, toward, -length);
    }
    w = next;
    value = objective.value(w);
  }
  return norm(objective.gradient(w)) <= 1e-6 * first ? w : null;
}

function within(reach: number, step: Vec): Vec {
  const size = norm(step);
  return size > reach ? step.map((x) => (x * reach) / size) : step;
}

function newton(objective: Objective, w: Vec, gradient: Vec): number[] {
  const { values, vectors } = eigen(objective.hessian(w));
  const steepest = Math.max(...values.map(Math.abs));
  let toward = gradient.map(() => 0);
  values.forEach((bend, i) => {
    const along = dot(vectors[i]!, gradient);
    const scale = Math.max(Math.abs(bend), 1e-10 * steepest, 1e-300);
    toward = plus(toward, vectors[i]!, along / scale);
  });
  return toward;
}

/** Minima of a function of one weight between two ends: sign changes of the slope, bisected. */
export function minimaBetween(objective: Objective, low: number, high: number, grid = 2000): number[] {
  const slope = (w: number) => objective.gradient([w])[0]!;
  const points = spaced(low, high, grid + 1);
  const found: number[] = [];
  for (let i = 0; i < grid; i++) {
    let [left, right] = [points[i]!, points[i + 1]!];
    if (!(slope(left) < 0 && slope(right) >= 0)) continue;
    for (let halving = 0; halving < 60 && right - left > 0; halving++) {
      const middle = (left + right) / 2;
      if (slope(middle) < 0) left = middle;
      else right = middle;
    }
    found.push(right);
  }
  return found;
}
