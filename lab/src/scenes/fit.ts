// How well the model fits, as far as a picture can show it: a line, a curve, a border between
// classes, or predicted against actual.

import { around, axes, frameOf, reachable, type Window } from "../draw/frame.ts";
import { mark } from "../draw/marks.ts";
import type { Pen } from "../draw/pen.ts";
import type { Chosen } from "../engine/chosen.ts";
import { exact, short } from "../engine/numbers.ts";
import { range, spaced, type Vec } from "../engine/vector.ts";
import type { TableData } from "../ui/picture.tsx";

const MOST = 1200;

type Kind = "line" | "chance" | "border" | "parity" | "chances";

function kindOf({ features, positive }: Chosen): Kind {
  if (positive === null) return features.length === 1 ? "line" : "parity";
  return features.length === 1 ? "chance" : features.length === 2 ? "border" : "chances";
}

const TITLES: Record<Kind, string> = {
  line: "Rows and the line", chance: "Rows and the predicted chance", border: "Rows and the border between classes",
  parity: "Predicted against actual", chances: "Raw prediction by class",
};

export const fitTitle = (chosen: Chosen): string => TITLES[kindOf(chosen)];

const raw = ({ columns }: Chosen, w: Vec, row: number): number =>
  columns.reduce((z, column, j) => z + w[j]! * column[row]!, w.at(-1)!);
const chance = (z: number): number => 1 / (1 + Math.exp(-z));
/** A column's value in the table's own units. */
const inTable = ({ columns, centre, spread }: Chosen, j: number, row: number): number => columns[j]![row]! * spread[j]! + centre[j]!;

/** Rows that are drawn: all, or evenly chosen ones where there are very many. */
function drawnRows({ y }: Chosen): number[] {
  const every = Math.max(1, y.length / MOST);
  return range(Math.floor(y.length / every)).map((i) => Math.floor(i * every));
}

export function drawFit(pen: Pen, chosen: Chosen, target: string, w: Vec, best: Vec | null): void {
  const rows = drawnRows(chosen);
  switch (kindOf(chosen)) {
    case "line":
    case "chance": return drawOne(pen, chosen, target, w, best, rows);
    case "border": return drawBorder(pen, chosen, w, best, rows);
    case "parity": return drawParity(pen, chosen, target, w, rows);
    case "chances": return drawChances(pen, chosen, target, w, rows);
  }
}

function dots(pen: Pen, chosen: Chosen, rows: readonly number[], place: (row: number) => readonly [number, number]): void {
  const radius = rows.length > 300 ? 2.4 : 4;
  for (const row of rows) {
    const yes = chosen.positive !== null && chosen.y[row]! > 0;
    mark(pen, reachable(place(row)), yes ? "triangle" : "circle", radius, pen.ink.lanes[yes ? 2 : 0]!, rows.length > 300 ? pen.ink.lanes[yes ? 2 : 0]! : pen.ink.halo);
  }
}

function drawOne(pen: Pen, chosen: Chosen, target: string, w: Vec, best: Vec | null, rows: readonly number[]): void {
  const binary = chosen.positive !== null;
  const xs = rows.map((row) => inTable(chosen, 0, row));
  const tall = (row: number) => (binary ? Number(chosen.y[row]! > 0) : chosen.y[row]!);
  const window: Window = around(xs, rows.map(tall), 0.08);
  const frame = frameOf(pen.width, pen.height, window);
  axes(pen, frame, chosen.features[0]!, binary ? `chance of ${chosen.positive}` : target, { grid: true });
  const curve = (weights: Vec) => spaced(window[0], window[1], 120).map((x) => {
    const z = (weights[0]! * (x - chosen.centre[0]!)) / chosen.spread[0]! + weights[1]!;
    return reachable(frame.place(x, binary ? chance(z) : z));
  });
  pen.inside(frame.box, () => {
    dots(pen, chosen, rows, (row) => frame.place(inTable(chosen, 0, row), tall(row)));
    if (best) pen.line(curve(best), pen.ink.muted, 1.6, [6, 5]);
    pen.line(curve(w), pen.ink.walker, 2.8);
  });
}

function drawBorder(pen: Pen, chosen: Chosen, w: Vec, best: Vec | null, rows: readonly number[]): void {
  const [xs, ys] = [0, 1].map((j) => rows.map((row) => inTable(chosen, j, row))) as [number[], number[]];
  const frame = frameOf(pen.width, pen.height, around(xs, ys, 0.08));
  axes(pen, frame, chosen.features[0]!, chosen.features[1]!, { grid: true });
  const border = (weights: Vec) => frame.window.slice(0, 2).map((x) => {
    const u = (x - chosen.centre[0]!) / chosen.spread[0]!;
    const v = -(weights[0]! * u + weights[2]!) / weights[1]!;
    return reachable(frame.place(x, v * chosen.spread[1]! + chosen.centre[1]!));
  });
  pen.inside(frame.box, () => {
    dots(pen, chosen, rows, (row) => frame.place(inTable(chosen, 0, row), inTable(chosen, 1, row)));
    if (best?.[1]) pen.line(border(best), pen.ink.muted, 1.6, [6, 5]);
    if (w[1]) pen.line(border(w), pen.ink.walker, 2.8);
  });
  pen.text([frame.box[0] + 8, frame.box[1] + 10], `▲ ${chosen.positive}   ● the other`, { size: 11, halo: pen.ink.paper });
}

function drawParity(pen: Pen, chosen: Chosen, target: string, w: Vec, rows: readonly number[]): void {
  const actual = rows.map((row) => chosen.y[row]!);
  const [low, high] = [Math.min(...actual), Math.max(...actual)];
  // Every walk starts by predicting 0.
  const window = around([low, high], [low, high, 0], 0.08);
  const frame = frameOf(pen.width, pen.height, window);
  axes(pen, frame, `actual ${target}`, "predicted", { grid: true });
  pen.inside(frame.box, () => {
    pen.line([frame.place(window[0], window[0]), frame.place(window[1], window[1])], pen.ink.muted, 1.5, [6, 5]);
    dots(pen, chosen, rows, (row) => frame.place(chosen.y[row]!, raw(chosen, w, row)));
  });
}

function drawChances(pen: Pen, chosen: Chosen, target: string, w: Vec, rows: readonly number[]): void {
  const zs = rows.map((row) => raw(chosen, w, row));
  const frame = frameOf(pen.width, pen.height, around([...zs, -1, 1], [-1.6, 1.6], 0.05));
  axes(pen, frame, `raw prediction of ${target}`, "class", { grid: true });
  pen.inside(frame.box, () => {
    pen.line([frame.place(0, -2), frame.place(0, 2)], pen.ink.muted, 1.5, [6, 5]);
    dots(pen, chosen, rows, (row) => frame.place(raw(chosen, w, row), chosen.y[row]! + (((row * 7919) % 101) / 101 - 0.5) * 0.8));
  });
}

/** The first rows: what they are, what is predicted. */
export function fitTable(chosen: Chosen, target: string, w: Vec): TableData {
  const binary = chosen.positive !== null;
  return {
    columns: [...chosen.features, target, binary ? `chance of ${chosen.positive}` : "predicted"],
    rows: drawnRows(chosen).slice(0, 20).map((row) => {
      const z = raw(chosen, w, row);
      return [...chosen.features.map((_, j) => short(inTable(chosen, j, row), 6)), exact(chosen.y[row]!), short(binary ? chance(z) : z, 6)];
    }),
  };
}
