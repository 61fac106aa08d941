// The surface seen from the side: quads drawn from back to front, no graphics card needed.

import type { Vec } from "../engine/vector.ts";
import { blend } from "./ink.ts";
import { bandOf, type Land } from "./landscape.ts";
import { mark } from "./marks.ts";
import type { Pen, Point } from "./pen.ts";

export interface View {
  /** Turn and tilt in degrees. */
  readonly turn: number;
  readonly tilt: number;
}

/** A land seen at an angle; the same object is drawn once and kept. */
export interface Relief {
  readonly land: Land;
  readonly view: View;
}

export interface Lifted {
  readonly points: readonly Vec[];
  readonly values: readonly number[];
  readonly colour: string;
}

/**
 * The land seen at an angle, with walks lying on it. Height is the square root of the value above
 * the lowest, so that a steep wall does not hide the valley floor; the caption says so.
 */
export function drawRelief(pen: Pen, scene: Relief, walks: readonly Lifted[]): void {
  pen.layer(scene, (under) => drawGround(under, scene));
  const { land: { values, window }, view } = scene;
  const height = heightOf(values);
  const project = camera(pen, view);
  const [left, right, bottom, top] = window;
  const inside = ([x, y]: Vec) => x! >= left && x! <= right && y! >= bottom && y! <= top;
  for (const { points, values: heights, colour } of walks) {
    const shown = points.findIndex((w) => !inside(w));
    const kept = shown < 0 ? points : points.slice(0, shown);
    const places = kept.map(([x, y], i) =>
      project((x! - left) / (right - left) - 0.5, (y! - bottom) / (top - bottom) - 0.5, height(heights[i]!)));
    if (!places.length) continue;
    pen.line(places, pen.ink.halo, 4);
    pen.line(places, colour, 2);
    mark(pen, places.at(-1)!, "circle", 5.5, colour);
  }
}

function heightOf(values: Float64Array): (v: number) => number {
  const low = Math.min(...values);
  const rise = Math.sqrt(Math.max(...values) - low) || 1;
  return (v) => Math.sqrt(Math.max(0, v - low)) / rise;
}

function drawGround(pen: Pen, { land, view }: Relief): void {
  const { size, values } = land;
  const height = heightOf(values);
  const project = camera(pen, view);
  const corner = (i: number, j: number): Point =>
    project(i / (size - 1) - 0.5, j / (size - 1) - 0.5, height(values[j * size + i]!));
  const away = backToFront(size - 1, view.turn);
  for (const [i, j] of away) {
    const middle = (values[j * size + i]! + values[(j + 1) * size + i + 1]!) / 2;
    const fill = blend(pen.ink.landLow, pen.ink.landHigh, bandOf(land, middle));
    const quad = [corner(i, j), corner(i + 1, j), corner(i + 1, j + 1), corner(i, j + 1)];
    pen.area([quad], fill);
    if ((i + j) % 2 === 0) pen.line([...quad, quad[0]!], blend(fill, pen.ink.text, 0.16), 0.5);
  }
}

function camera(pen: Pen, { turn, tilt }: View): (x: number, y: number, z: number) => Point {
  const [a, b] = [(turn * Math.PI) / 180, (tilt * Math.PI) / 180];
  // The box around the land fits at any turn, so that turning does not make it breathe.
  const [deepest, tallest] = [Math.SQRT2 * Math.sin(b), 0.75 * Math.cos(b)];
  const scale = Math.min(pen.width / 1.36, (pen.height - 16) / (deepest + tallest));
  return (x, y, z) => {
    const across = x * Math.cos(a) - y * Math.sin(a);
    const deep = x * Math.sin(a) + y * Math.cos(a);
    const up = deep * Math.sin(b) + (z - 0.5) * tallest;
    return [pen.width / 2 + across * scale, pen.height / 2 - up * scale];
  };
}

// Which quads are farther away follows from the turn alone.
function* backToFront(cells: number, turn: number): Generator<[number, number]> {
  const a = (turn * Math.PI) / 180;
  const order = (reverse: boolean) => Array.from({ length: cells }, (_, i) => (reverse ? cells - 1 - i : i));
  const columns = order(Math.sin(a) > 0);
  const rows = order(Math.cos(a) > 0);
  const deepRows = Math.abs(Math.cos(a)) > Math.abs(Math.sin(a));
  for (const outer of deepRows ? rows : columns) {
    for (const inner of deepRows ? columns : rows) yield deepRows ? [inner, outer] : [outer, inner];
  }
}
