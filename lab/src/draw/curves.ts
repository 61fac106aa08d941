// Curves over the steps: loss, gradient and the like, with the step shown marked on each.

import { axes, frameOf, type Frame, type Window } from "./frame.ts";
import { DASHES, mark, SHAPES } from "./marks.ts";
import type { Pen, Point } from "./pen.ts";

export interface Curve {
  readonly name: string;
  /** Places along x; the values stand at the first of them where it is absent. */
  readonly x?: readonly number[];
  readonly values: readonly number[];
  /** Which of the lane colours, dashes and shapes. */
  readonly lane: number;
}

export interface Curves {
  readonly x: readonly number[];
  readonly list: readonly Curve[];
  /** Level lines with their names. */
  readonly levels?: readonly { readonly name: string; readonly value: number }[];
  /** Never on a logarithmic axis. */
  readonly plain?: boolean;
}

const DECADES = 16;

/** Every value above zero: then a logarithmic axis shows every size. */
const allPositive = ({ list }: Curves) => list.every(({ values }) => values.every((v) => v > 0 || !Number.isFinite(v)));

interface Plan {
  readonly log: boolean;
  readonly frame: Frame;
  place(x: number, value: number): Point;
}

/** How curves lie on a picture of this size. */
export function planOf(curves: Curves, width: number, height: number): Plan {
  const log = !curves.plain && allPositive(curves);
  const scale = (v: number) => (log ? Math.log10(v) : v);
  const known = [...curves.list.flatMap(({ values }) => [...values]), ...(curves.levels ?? []).map(({ value }) => value)]
    .map(scale).filter(Number.isFinite);
  const top = Math.max(...known, log ? -300 : -1e300);
  const bottom = log ? Math.max(Math.min(...known), top - DECADES) : Math.min(...known);
  const room = (top - bottom || Math.abs(top) || 1) * 0.06;
  const right = Math.max(1, curves.x.at(-1) ?? 1);
  const window: Window = [0, right * 1.01, bottom - room, top + room];
  const frame = frameOf(width, height, window);
  return { log, frame, place: (x, value) => frame.place(x, scale(value)) };
}

export function drawCurves(pen: Pen, curves: Curves, xName: string, yName: string, at: number): void {
  const { frame, place, log } = planOf(curves, pen.width, pen.height);
  const [, , bottom, top] = frame.window;
  axes(pen, frame, xName, yName, { grid: true, log });
  pen.inside(frame.box, () => {
    for (const { value } of curves.levels ?? []) pen.line([place(0, value), place(frame.window[1], value)], pen.ink.muted, 1.5, [7, 4]);
    pen.line([frame.place(at, bottom), frame.place(at, top)], pen.ink.muted, 1);
    for (const curve of curves.list) drawOne(pen, curve, curve.x ?? curves.x, place, at);
  });
  const many = curves.list.length > 1 ? curves.list.map(({ name, lane }) => [name, pen.ink.lanes[lane]!] as const) : [];
  many.forEach(([name, colour], i) => {
    const y = frame.box[1] + 12 + 15 * i;
    pen.text([pen.width - 18, y], name, { align: "right", colour, size: 11, bold: true, halo: pen.ink.paper });
  });
  (curves.levels ?? []).forEach(({ name, value }) => {
    const [, y] = place(0, value);
    pen.text([frame.box[0] + 8, y - 8], name, { colour: pen.ink.text, size: 11, halo: pen.ink.paper });
  });
}

function drawOne(pen: Pen, { values, lane }: Curve, x: readonly number[], place: Plan["place"], at: number): void {
  const colour = pen.ink.lanes[lane]!;
  const points = values.map((v, i) => place(x[i]!, v)).filter((point) => point.every(Number.isFinite));
  pen.line(points, colour, 2, DASHES[lane]);
  if (points.length < 50) points.forEach((point) => pen.dot(point, 2.2, colour));
  let here = -1;
  while (here + 1 < values.length && x[here + 1]! <= at) here++;
  const point = here < 0 ? null : place(x[here]!, values[here]!);
  if (point?.every(Number.isFinite)) mark(pen, point, SHAPES[lane]!, 5.5, colour);
}
