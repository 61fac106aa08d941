// Which minimum a walk from each start ends in: basins of the rule at its rate, not of the surface alone.

import { walk, type Setting } from "./descend.ts";
import { settle } from "./minimum.ts";
import type { Objective } from "./objective.ts";
import { minus, norm, range, spaced, type Vec } from "./vector.ts";

/** Different minima downhill of a grid of starts over a window, lowest first. */
export function minimaOver(objective: Objective, [left, right, bottom, top]: readonly [number, number, number, number], grid = 9): Vec[] {
  const found: Vec[] = [];
  const apart = 1e-3 * Math.hypot(right - left, top - bottom);
  for (const x of spaced(left, right, grid)) for (const y of spaced(bottom, top, grid)) {
    const end = settle(objective, [x, y]);
    if (!end || found.some((other) => norm(minus(end, other)) < apart)) continue;
    const inside = end[0]! >= left && end[0]! <= right && end[1]! >= bottom && end[1]! <= top;
    if (inside && bendsUp(objective, end)) found.push(end);
  }
  return found.sort((a, b) => objective.value(a) - objective.value(b));
}

// Downhill of a start on a ridge lies a saddle; only a minimum bends up in every direction.
function bendsUp(objective: Objective, w: Vec): boolean {
  const [[a, b], [, c]] = objective.hessian(w) as [[number, number], [number, number]];
  return a + c > 0 && a * c - b * b > 0;
}

export interface Basins {
  readonly size: number;
  readonly updates: number;
  /** Number of the minimum, row by row from the bottom left; -1 where the walk arrives at none. */
  readonly ends: readonly number[];
}

/** Basins over a window for one rule and rate. */
export function basinsOf(setting: Omit<Setting, "start">, [left, right, bottom, top]: readonly [number, number, number, number], minima: readonly Vec[], updates: number, size: number): Basins {
  const near = 0.05 * Math.hypot(right - left, top - bottom);
  const ends = range(size * size).map((cell) => {
    const x = left + ((cell % size) + 0.5) * ((right - left) / size);
    const y = bottom + (Math.floor(cell / size) + 0.5) * ((top - bottom) / size);
    const end = walk({ ...setting, start: [x, y] }, updates).at(-1)!.w;
    const distances = minima.map((goal) => norm(minus(end, goal)));
    const closest = distances.indexOf(Math.min(...distances));
    return distances[closest]! < near ? closest : -1;
  });
  return { size, updates, ends };
}
