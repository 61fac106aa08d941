// A walk on a picture: start, path, and where the walker stands.

import type { Vec } from "../engine/vector.ts";
import { reachable, type Frame } from "./frame.ts";
import { mark, type Shape } from "./marks.ts";
import type { Pen, Point } from "./pen.ts";

export interface PathStyle {
  readonly colour: string;
  readonly shape?: Shape;
  readonly dash?: readonly number[];
  /** Small dots at each step. */
  readonly steps?: boolean;
}

/** The path up to step k, faint after it. */
export function drawPath(pen: Pen, frame: Frame, points: readonly Vec[], k: number, style: PathStyle): void {
  const places = points.map((w): Point => reachable(frame.place(w[0]!, w[1]!)));
  const walked = places.slice(0, k + 1);
  const at = walked.at(-1)!;
  pen.inside(frame.box, () => {
    if (places.length > k + 1) pen.line(places.slice(k), style.colour, 1, [1, 4]);
    pen.line(walked, pen.ink.halo, 4.5);
    pen.line(walked, style.colour, 2, style.dash);
    if (style.steps && walked.length < 400) walked.forEach((place) => pen.dot(place, 2.6, style.colour));
    pen.dot(places[0]!, 5, pen.ink.paper, style.colour);
    mark(pen, at, style.shape ?? "circle", 7, style.colour);
  });
  beyond(pen, frame, at, style.colour);
}

// An arrow at the edge for a walker that has left the picture.
function beyond(pen: Pen, { box: [x0, y0, wide, high] }: Frame, [x, y]: Point, colour: string): void {
  const [px, py] = [Math.min(x0 + wide - 8, Math.max(x0 + 8, x)), Math.min(y0 + high - 8, Math.max(y0 + 8, y))];
  const away = Math.hypot(x - px, y - py);
  if (away < 9) return;
  const [dx, dy] = [(x - px) / away, (y - py) / away];
  const tip: Point = [px + 6 * dx, py + 6 * dy];
  pen.area([[tip, [px - 6 * dx - 6 * dy, py - 6 * dy + 6 * dx], [px - 6 * dx + 6 * dy, py - 6 * dy - 6 * dx]]], colour);
}

/** A known minimum. */
export function drawGoal(pen: Pen, frame: Frame, w: Vec): void {
  pen.inside(frame.box, () => mark(pen, frame.place(w[0]!, w[1]!), "cross", 5.5, pen.ink.goal));
}
