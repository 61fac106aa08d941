// Vectors are plain arrays of numbers; matrices are arrays of rows.

export type Vec = readonly number[];
export type Matrix = readonly Vec[];

export const dot = (a: Vec, b: Vec): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
export const norm = (a: Vec): number => Math.hypot(...a);
export const plus = (a: Vec, b: Vec, times = 1): number[] => a.map((x, i) => x + times * b[i]!);
export const minus = (a: Vec, b: Vec): number[] => a.map((x, i) => x - b[i]!);
export const zeros = (size: number): number[] => new Array<number>(size).fill(0);
export const finite = (a: Vec): boolean => a.every(Number.isFinite);
export const range = (size: number): number[] => Array.from({ length: size }, (_, i) => i);

/** `size` numbers from `low` to `high`, both included. */
export function spaced(low: number, high: number, size: number): number[] {
  return range(size).map((i) => low + ((high - low) * i) / (size - 1));
}

export function mean(a: Vec): number {
  return a.reduce((sum, x) => sum + x, 0) / a.length;
}
