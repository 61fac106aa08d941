// Pictures of an exercise: what belongs to the question, and, once it is answered, what is true.

import { drawCurves, type Curve } from "../draw/curves.ts";
import { axes, frameOf, type Window } from "../draw/frame.ts";
import { DASHES, mark } from "../draw/marks.ts";
import type { Pen, Point } from "../draw/pen.ts";
import { short } from "../engine/numbers.ts";
import { spaced } from "../engine/vector.ts";
import { Picture } from "../ui/picture.tsx";
import { probe } from "./item.ts";
import type { Practising } from "./room.ts";

const SHAPE = 0.42;
const FOG: Window = [-10, 10, -3, 12];
const SKETCH: Window = [-0.3, 20.3, 0, 1.5];
/** Update that a blank of a drawing asks for: the last word of its name. */
const updateOf = (name: string) => Number(name.split(" ").at(-1));
const round = (x: number, digits: number) => String(Number(x.toFixed(digits)));

export function ItemPicture({ room }: { room: Practising }) {
  const { kind, curves: asked } = room.item.value!;
  const curves = asked.length ? asked : room.judged.value?.reveal ?? [];
  if (kind === "fog") return <FogPicture room={room} />;
  if (kind === "sketch") return <SketchPicture room={room} />;
  if (!curves.length) return null;
  const heights = kind === "minima";
  const name = heights ? "height" : "loss";
  const from = heights ? 1 : 0;
  const x = curves[0]!.map((_, i) => i + from);
  const list = curves.map((values, lane): Curve => ({ name: asked.length > 1 ? "ABC"[lane]! : curves.length > 1 ? `5 % ${lane ? "above" : "below"} the limit` : name, values, lane }));
  return (
    <Picture
      title={heights ? "The row of heights" : asked.length ? "Loss" : "Loss as the walk goes on"} shape={SHAPE} weight="wide"
      draw={(pen) => drawCurves(pen, { x, list, plain: heights }, heights ? "place" : "update", "", -1)}
      table={() => ({ columns: [heights ? "place" : "update", ...list.map(({ name }) => name)], rows: x.map((k, i) => [k, ...curves.map((values) => short(values[i]!, 6))]) })}
    />
  );
}

function line(pen: Pen, points: readonly Point[], lane: number): void {
  pen.line(points.filter(([, y]) => !Number.isNaN(y)), pen.ink.lanes[lane]!, 2.5, DASHES[lane]);
}

function FogPicture({ room: { item, probes, judged, probeAt, fill } }: { room: Practising }) {
  const { floor } = item.value!;
  const truth = judged.value;
  const draw = (pen: Pen) => {
    const frame = frameOf(pen.width, pen.height, FOG);
    axes(pen, frame, "x", "height", { grid: true });
    pen.inside(frame.box, () => {
      if (truth) {
        line(pen, spaced(-10, 10, 201).map((x) => frame.place(x, probe(floor, x)[0])), 0);
        const x = Number(truth.solution[0]);
        mark(pen, frame.place(x, probe(floor, x)[0]), "cross", 7, pen.ink.goal);
      }
      for (const { x, height, slope } of probes.value) {
        pen.line([frame.place(x - 0.4, height - 0.4 * slope), frame.place(x + 0.4, height + 0.4 * slope)], pen.ink.walker, 3);
        pen.dot(frame.place(x, height), 4, pen.ink.walker, pen.ink.halo);
      }
    });
  };
  return (
    <Picture
      title="The floor in the fog" shape={SHAPE} weight="wide" draw={draw}
      onPointer={(kind, at, [width, height]) => {
        const x = frameOf(width, height, FOG).read(at)[0];
        if (kind !== "down" || truth || Math.abs(x) > 10) return;
        fill(0, round(x, 2));
        probeAt(Number(round(x, 2)));
      }}
      caption={truth ? "The cross is the deepest point." : `Click to probe, or type x. ${probes.value.length} probes so far; each shows height and slope.`}
      table={() => ({ columns: ["x", "height", "slope"], rows: probes.value.map(({ x, height, slope }) => [x, height.toFixed(4), slope.toFixed(4)]) })}
    />
  );
}

function SketchPicture({ room: { item, texts, drawn, judged, fill } }: { room: Practising }) {
  const { blanks, curves } = item.value!;
  const truth = judged.value?.reveal[0] ?? [];
  const draw = (pen: Pen) => {
    const frame = frameOf(pen.width, pen.height, SKETCH);
    axes(pen, frame, "update", "loss", { grid: true });
    const points = (values: readonly number[]) => values.map((y, k) => frame.place(k, y));
    pen.inside(frame.box, () => {
      pen.line(points(curves[0]!), pen.ink.muted, 1.5, [2, 4]);
      line(pen, points(truth), 0);
      line(pen, points(drawn.value), 1);
      blanks.forEach(({ name }, i) => {
        if (texts.value[i]) mark(pen, frame.place(updateOf(name), Number(texts.value[i])), "square", 5, pen.ink.lanes[1]!);
      });
      pen.dot(frame.place(0, 1), 5, pen.ink.lanes[1]!, pen.ink.halo);
    });
  };
  const mine = drawn.value.slice(1).every(Number.isNaN) ? "Squares: what you typed." : "Dashed: what you drew.";
  return (
    <Picture
      title="Your curve" shape={SHAPE} weight="wide" draw={draw}
      onPointer={(kind, at, [width, height]) => {
        const [x, y] = frameOf(width, height, SKETCH).read(at);
        const k = Math.round(x);
        if (kind === "up" || judged.value || k < 1 || k > 20) return;
        // A fast stroke passes over updates: they lie on the line from the last one drawn before.
        const before = drawn.value.findLastIndex((value, i) => i < k && !Number.isNaN(value));
        const from = drawn.value[before]!;
        drawn.value = drawn.value.map((old, i) =>
          i === k || (i > before && i < k) ? from + ((y - from) * (i - before)) / (k - before) : old);
        blanks.forEach(({ name }, i) => {
          const value = drawn.value[updateOf(name)]!;
          if (!Number.isNaN(value)) fill(i, round(value, 2));
        });
      }}
      caption={truth.length ? `Solid: what the loss does. ${mine}` : "Draw from left to right with mouse or finger, or type the losses below. The dotted line is the lowest loss."}
      table={() => ({ columns: ["update", "drawn", "true"], rows: drawn.value.map((y, k) => [k, Number.isNaN(y) ? "" : short(y), short(truth[k] ?? NaN)]) })}
    />
  );
}
