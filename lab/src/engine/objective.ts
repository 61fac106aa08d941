// What the walk sees: a value, a gradient and a curvature at any weights. Made from a typed formula,
// from rows of data and a loss, or from either with noise added; the walk cannot tell which.

import type { Matrix, Vec } from "./vector.ts";

export interface Objective {
  /** Names of the weights, in order. */
  readonly names: readonly string[];
  /** How many rows the value is a mean over; 1 for a formula. */
  readonly rows: number;
  /** True where the curvature is the same everywhere. */
  readonly quadratic: boolean;
  /** The objective as it is shown, its factors included. */
  readonly convention: string;
  value(w: Vec): number;
  /** Gradient over all rows, or over the rows named. */
  gradient(w: Vec, rows?: readonly number[]): number[];
  hessian(w: Vec): Matrix;
  /** The gradient's arithmetic, one line for each weight, with the numbers put in. */
  arithmetic(w: Vec, rows?: readonly number[]): string[];
}
