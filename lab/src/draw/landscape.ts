// The value over a plane of two weights, as bands between contour lines.

import { contours } from "d3-contour";
import type { Vec } from "../engine/vector.ts";
import type { Frame, Window } from "./frame.ts";
import { blend } from "./ink.ts";
import type { Pen, Point } from "./pen.ts";

export const FINE = 96;
const BANDS = 15;

export interface Land {
  readonly window: Window;
  readonly size: number;
  /** Values row by row from the bottom left. */
  readonly values: Float64Array;
  /** Heights between bands; each band covers about the same area, so every surface shows its shape. */
  readonly levels: readonly number[];
}

/** Values of a function of two weights over a window. */
export function survey(value: (w: Vec) => number, window: Window, size = FINE): Land {
  const [left, right, bottom, top] = window;
  const values = new Float64Array(size * size);
  for (let j = 0; j < size; j++) for (let i = 0; i < size; i++) {
    const x = left + ((i + 0.5) / size) * (right - left);
    const y = bottom + ((j + 0.5) / size) * (top - bottom);
    values[j * size + i] = value([x, y]);
  }
  const sorted = values.filter(Number.isFinite).sort();
  const levels = Array.from({ length: BANDS }, (_, i) => sorted[Math.floor(Math.pow(i / BANDS, 1.4) * (sorted.length - 1))] ?? 0);
  return { window, size, values: values.map((v) => (Number.isFinite(v) ? v : sorted.at(-1)!)), levels };
}

/** Share of the way up, 0 in the lowest band and 1 in the highest. */
export function bandOf(land: Land, value: number): number {
  let band = 0;
  while (band < land.levels.length - 1 && value > land.levels[band + 1]!) band++;
  return band / (land.levels.length - 1);
}

/** Bands and contour lines inside a frame. */
export function drawLand(pen: Pen, land: Land, frame: Frame): void {
  pen.layer(land, (under) => {
    const { landLow, landHigh } = under.ink;
    const [x0, y0, wide, high] = frame.box;
    const corners: Point[] = [[x0, y0], [x0 + wide, y0], [x0 + wide, y0 + high], [x0, y0 + high]];
    under.area([corners], landLow);
    const place = ([i, j]: number[]): Point => [x0 + (i! / land.size) * wide, y0 + high - (j! / land.size) * high];
    const shapes = contours().size([land.size, land.size]).thresholds(land.levels.slice(1))(land.values as ArrayLike<number> as number[]);
    shapes.forEach((shape, i) => {
      const rings = shape.coordinates.flat().map((ring) => ring.map(place));
      under.area(rings, blend(landLow, landHigh, (i + 1) / (BANDS - 1)));
    });
  });
}
