// Axes: from numbers to places on the picture and back.

import { short } from "../engine/numbers.ts";
import type { Box, Pen, Point } from "./pen.ts";

/** Left, right, bottom and top in the picture's numbers. */
export type Window = readonly [number, number, number, number];

export interface Frame {
  readonly box: Box;
  readonly window: Window;
  place(x: number, y: number): Point;
  /** Numbers at a place. */
  read(at: Point): Point;
}

const [LEFT, RIGHT, TOP, BOTTOM] = [54, 12, 10, 40];

/** Where a picture of this size puts its numbers. */
export function frameOf(width: number, height: number, window: Window): Frame {
  const box: Box = [LEFT, TOP, Math.max(10, width - LEFT - RIGHT), Math.max(10, height - TOP - BOTTOM)];
  const [left, right, bottom, top] = window;
  const [x0, y0, wide, high] = box;
  return {
    box, window,
    place: (x, y) => [x0 + ((x - left) / (right - left)) * wide, y0 + ((top - y) / (top - bottom)) * high],
    read: ([px, py]) => [left + ((px - x0) / wide) * (right - left), top - ((py - y0) / high) * (top - bottom)],
  };
}

/** Round numbers between two ends, about as many as asked for. */
export function ticks(low: number, high: number, about: number): number[] {
  const raw = (high - low) / about;
  const power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
}

// Numbers at an axis: 250k and 1.5M rather than long rows of zeros.
function tick(value: number): string {
  const x = Number(value.toPrecision(10));
  const size = Math.abs(x);
  if (size >= 1e9 || size < 1e4) return short(x);
  return size >= 1e6 ? `${short(x / 1e6)}M` : `${short(x / 1e3)}k`;
}

/** Whole powers of ten between two ends given as logarithms, or plain round numbers where they are near. */
function heights(bottom: number, top: number, about: number, log: boolean): [number, string][] {
  if (!log) return ticks(bottom, top, about).map((y) => [y, tick(y)]);
  if (top - bottom < 1.2) return ticks(Math.pow(10, bottom), Math.pow(10, top), about).map((v) => [Math.log10(v), tick(v)]);
  return ticks(bottom, top, about).filter(Number.isInteger).map((y) => [y, tick(Math.pow(10, y))]);
}

export interface AxesStyle {
  readonly grid?: boolean;
  /** The frame's heights are logarithms to base 10. */
  readonly log?: boolean;
}

/** Axis lines, numbers and names. */
export function axes(pen: Pen, frame: Frame, xName: string, yName: string, { grid = false, log = false }: AxesStyle = {}): void {
  const { ink } = pen;
  const [x0, y0, wide, high] = frame.box;
  const [left, right, bottom, top] = frame.window;
  for (const x of ticks(left, right, wide / 75)) {
    const [px] = frame.place(x, bottom);
    if (grid) pen.line([[px, y0], [px, y0 + high]], ink.rule, 1);
    pen.line([[px, y0 + high], [px, y0 + high + 4]], ink.muted, 1);
    pen.text([px, y0 + high + 13], tick(x), { align: "center", colour: ink.muted, size: 11 });
  }
  for (const [y, label] of heights(bottom, top, high / 45, log)) {
    const [, py] = frame.place(left, y);
    if (grid) pen.line([[x0, py], [x0 + wide, py]], ink.rule, 1);
    pen.line([[x0 - 4, py], [x0, py]], ink.muted, 1);
    pen.text([x0 - 7, py], label, { align: "right", colour: ink.muted, size: 11 });
  }
  pen.line([[x0, y0], [x0, y0 + high], [x0 + wide, y0 + high]], ink.muted, 1);
  pen.text([x0 + wide / 2, y0 + high + 30], xName, { align: "center" });
  pen.text([9, y0 + high / 2], yName, { align: "center", turn: true });
}

/** A window around numbers, with room at its edges. */
export function around(xs: readonly number[], ys: readonly number[], room = 0.12): Window {
  const [left, right] = widen(xs, room);
  const [bottom, top] = widen(ys, room);
  return [left, right, bottom, top];
}

function widen(values: readonly number[], room: number): [number, number] {
  const known = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const size = high - low || Math.abs(high) || 1;
  return [low - room * size, high + room * size];
}

/** A place that canvas can draw, for a path that leaves the picture far behind. */
export function reachable([x, y]: Point): Point {
  const within = (v: number) => (Number.isNaN(v) ? 0 : Math.max(-1e5, Math.min(1e5, v)));
  return [within(x), within(y)];
}
