// The landscape of many weights on the plane of a path, with the true loss of each step beside it.

import { around, axes, frameOf, type Window } from "../draw/frame.ts";
import { drawLand, type Land } from "../draw/landscape.ts";
import { drawPath } from "../draw/path.ts";
import type { Pen } from "../draw/pen.ts";
import type { Plane } from "../engine/plane.ts";
import type { Vec } from "../engine/vector.ts";

/** A window around a path and its end, equally wide on both sides. */
export function planeWindow(path: readonly Vec[]): Window {
  return around(path.map(([u]) => u!), path.map(([, v]) => v!), 0.35);
}

export function drawPlane(pen: Pen, land: Land, plane: Plane, k: number): void {
  const frame = frameOf(pen.width, pen.height, land.window);
  drawLand(pen, land, frame);
  axes(pen, frame, "along the path's main direction", "its second direction");
  drawPath(pen, frame, plane.path, Math.min(k, plane.path.length - 1), { colour: pen.ink.walker, steps: true });
}
