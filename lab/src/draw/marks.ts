// Shapes that tell things apart without colour.

import type { Pen, Point } from "./pen.ts";

export const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "pentagon", "down", "star"] as const;
export type Shape = (typeof SHAPES)[number];

/** Dashes that go with the shapes, so that lines are told apart as well. */
export const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 4], [9, 4, 2, 4], [12, 4], [4, 2], [1, 3], [10, 3, 3, 3]];

const corners: Record<Exclude<Shape, "circle" | "cross">, [number, number]> = {
  square: [4, Math.PI / 4], triangle: [3, -Math.PI / 2], diamond: [4, 0], pentagon: [5, -Math.PI / 2],
  down: [3, Math.PI / 2], star: [10, -Math.PI / 2],
};

/** A marker at a point, ringed so that it shows on any ground. */
export function mark(pen: Pen, at: Point, shape: Shape, radius: number, fill: string, ring = pen.ink.halo): void {
  if (shape === "circle") return pen.dot(at, radius, fill, ring);
  if (shape === "cross") {
    const [x, y, r] = [at[0], at[1], radius * 0.9];
    for (const [colour, wide] of [[ring, 5.5], [fill, 2.8]] as const) {
      pen.line([[x - r, y - r], [x + r, y + r]], colour, wide);
      pen.line([[x - r, y + r], [x + r, y - r]], colour, wide);
    }
    return;
  }
  const [count, turn] = corners[shape];
  const outline = Array.from({ length: count }, (_, i): Point => {
    const size = radius * (shape === "star" && i % 2 ? 0.5 : 1.2);
    const angle = turn + (2 * Math.PI * i) / count;
    return [at[0] + size * Math.cos(angle), at[1] + size * Math.sin(angle)];
  });
  pen.line([...outline, outline[0]!], ring, 4);
  pen.area([outline], fill);
}
