// Seeded chance, so that a link reproduces the page and a changed setting keeps the same draws.

import { range } from "./vector.ts";

/** Numbers in [0, 1) from a seed (Tommy Ettinger's mulberry32, public domain). */
export function uniforms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Standard normal numbers from a seed (Box and Muller). */
export function normals(seed: number): () => number {
  const uniform = uniforms(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Row numbers in batches of one size, shuffled anew each epoch (Fisher and Yates); no end. */
export function* shuffled(rows: number, size: number, seed: number): Generator<number[]> {
  const uniform = uniforms(seed);
  for (;;) {
    const order = range(rows);
    for (let i = rows - 1; i > 0; i--) {
      const j = Math.floor(uniform() * (i + 1));
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    for (let at = 0; at < rows; at += size) yield order.slice(at, at + size);
  }
}

/** Row numbers drawn with replacement, so that batches are independent; no end. */
export function* drawn(rows: number, size: number, seed: number): Generator<number[]> {
  const uniform = uniforms(seed);
  for (;;) yield range(size).map(() => Math.floor(uniform() * rows));
}
