// A plane through the end of a path that holds as much of the path as a plane can: how a landscape
// of more than two weights is drawn, and how far it is from the truth.

import { eigen } from "./curvature.ts";
import type { Objective } from "./objective.ts";
import { dot, minus, plus, range, type Vec } from "./vector.ts";

export interface Plane {
  readonly origin: Vec;
  readonly axes: readonly [Vec, Vec];
  /** The path in the plane's two coordinates. */
  readonly path: readonly Vec[];
  /** Share of the path's spread that lies in the plane. */
  readonly share: number;
  /** Largest difference between the true value on the path and the plane's below it. */
  readonly gap: number;
  /** The plane as an objective of two weights. */
  readonly objective: Pick<Objective, "value">;
}

/** The plane of a path by its two principal directions, through its last point. */
export function planeOf(path: readonly Vec[], objective: Objective, values: Vec): Plane {
  const origin = path.at(-1)!;
  const moved = path.map((w) => minus(w, origin));
  const size = origin.length;
  const scatter = range(size).map((i) => range(size).map((j) => moved.reduce((sum, m) => sum + m[i]! * m[j]!, 0)));
  const { values: spreads, vectors } = eigen(scatter);
  const axes: [Vec, Vec] = [vectors.at(-1)!, vectors.at(-2)!];
  const total = spreads.reduce((sum, x) => sum + Math.max(0, x), 0);
  const flat = moved.map((m) => axes.map((axis) => dot(m, axis)));
  const at = ([u, v]: Vec) => plus(plus(origin, axes[0], u), axes[1], v);
  const gap = Math.max(...flat.map((point, i) => Math.abs(objective.value(at(point)) - values[i]!)));
  return {
    origin,
    axes,
    path: flat,
    share: total > 0 ? (spreads.at(-1)! + spreads.at(-2)!) / total : 1,
    gap,
    objective: { value: (point) => objective.value(at(point)) },
  };
}
