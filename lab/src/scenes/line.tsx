// The line: points, the line that moves as the loss falls, and the loss over slope and intercept.

import { computed, signal } from "@preact/signals";
import { around, axes, frameOf, reachable, type Window } from "../draw/frame.ts";
import { mark } from "../draw/marks.ts";
import type { Pen, Point } from "../draw/pen.ts";
import { LOSSES } from "../engine/losses.ts";
import { exact, short } from "../engine/numbers.ts";
import { overRows } from "../engine/rows.ts";
import { drawWalk, landTable, StartBoxes, surveyOf, WalkCharts, WalkSettings, windowFor, Zoom, zoomed } from "../ui/common.tsx";
import { FieldChoice, Group, NumberBox, Switch } from "../ui/controls.tsx";
import { choice, flag, number, numbers, pairs, type Pairs } from "../ui/fields.ts";
import { Picture } from "../ui/picture.tsx";
import { playerOf, type Scene } from "../ui/scene.ts";
import { steady } from "../ui/steady.ts";
import { study, walkFields } from "../ui/study.ts";

const CALM: Pairs = [[0.5, 1.4], [1, 1.9], [1.6, 2.1], [2.2, 3.2], [2.8, 3.1], [3.4, 4.2], [4, 4.1], [4.5, 5.2]];
const EXAMPLES: readonly (readonly [string, Pairs, number])[] = [
  ["eight points", CALM, 0.02],
  ["one outlier", [...CALM.slice(0, 7), [4.5, 0.6]], 0.02],
  ["far from zero", CALM.map(([x, y]) => [x + 20, y] as const), 0.001],
  ["two points", [[1, 1], [3, 4]], 0.05],
];
const REACH = 14;
const number3 = (x: number) => Number(x.toPrecision(3));

export const line: Scene = {
  name: "line",
  title: "Line",
  lesson: "Linear regression: the line tilts and shifts as its loss falls, and a walker goes downhill over slope and intercept.",
  open() {
    const fields = {
      points: pairs(CALM), loss: choice("mse", ["mse", "squared_error", "huber"]),
      ...walkFields(0.02, 120), start: numbers([0, 0], 2), zoom: number(1, 1 / 64, 64), residuals: flag(true),
    };
    const points = fields.points.signal;
    const objective = computed(() => {
      const [xs, ys] = [points.value.map(([x]) => x), points.value.map(([, y]) => y)];
      return overRows([xs], ys, LOSSES[fields.loss.now]!, ["w"]);
    });
    const start = computed(() => [fields.start.now[0] ?? 0, fields.start.now[1] ?? 0]);
    const walk = study(fields, objective, start);
    const window = steady(() => {
      const [zoom, goal] = [fields.zoom.now, walk.minimum.value];
      const shows = zoom < 1 ? [] : goal ? [start.value, goal] : [start.value];
      return { window: zoomed(windowFor(start.value, goal), zoom), shows, subject: zoom };
    });
    const land = computed(() => surveyOf(objective.value.value, window.value));
    const goals = computed(() => (walk.minimum.value ? [walk.minimum.value] : []));
    const grabbed = signal<number | null>(null);
    // While a point is dragged the picture keeps its window, so that the point stays under the finger.
    let held: Window | null = null;
    const view = (): Window => {
      if (held && grabbed.value !== null) return held;
      held = around([0, ...points.value.map(([x]) => x)], [0, ...points.value.map(([, y]) => y)], 0.12);
      return held;
    };
    const put = (i: number, point: readonly [number, number]) => (points.value = points.value.map((old, j) => (i === j ? point : old)));

    return {
      fields, study: walk, player: playerOf(walk),
      Settings: () => (
        <>
          <PointsBox points={points.value} choose={(list, rate) => {
            [points.value, fields.rate.now, fields.k.now] = [list, rate, 0];
          }} put={put} add={() => (points.value = [...points.value, [2, 2]])} drop={(i) => (points.value = points.value.filter((_, j) => j !== i))} />
          <Group title="Loss">
            <FieldChoice label="Loss" field={fields.loss} options={["mse", "squared_error", "huber"].map((name) => [name, LOSSES[name]!.label])} />
            <Switch label="Show residuals" field={fields.residuals} />
          </Group>
          <StartBoxes field={fields.start} names={["w", "b"]} />
          <WalkSettings fields={fields} />
        </>
      ),
      Pictures: () => (
        <>
          <Picture
            title="Points and line" shape={0.74}
            draw={(pen) => drawData(pen, view(), points.value, walk.here.value.w, walk.minimum.value, fields.residuals.now)}
            onPointer={(kind, at, [width, height]) => {
              const frame = frameOf(width, height, held!);
              const place = frame.read(at).map(number3) as [number, number];
              if (kind === "up") {
                const out = at[0] < 0 || at[1] < 0 || at[0] > width || at[1] > height;
                if (out && grabbed.value !== null && points.value.length > 2) points.value = points.value.filter((_, j) => j !== grabbed.value);
                grabbed.value = null;
              }
              if (kind === "down") {
                const near = points.value.findIndex(([x, y]) => distance(frame.place(x, y), at) < REACH);
                grabbed.value = near >= 0 ? near : points.value.length;
                if (near < 0 && points.value.length < 60) points.value = [...points.value, place];
              }
              if (kind === "move" && grabbed.value !== null) put(grabbed.value, place);
            }}
            caption="Drag a point, or click to add one; drag it off the picture to remove it. The dashed line is the best one."
            table={() => dataTable(points.value, walk.here.value.w)}
          />
          <Picture
            title="Loss over slope and intercept" shape={0.74}
            draw={(pen) => drawWalk(pen, land.value, walk, goals.value)}
            onPointer={(kind, at, [width, height]) => {
              if (kind !== "up") fields.start.now = frameOf(width, height, window.peek()).read(at).map(number3);
            }}
            caption={<>Dark is low; the cross is the best line. Click to choose the start. <Zoom field={fields.zoom} /></>}
            table={() => landTable(objective.value.value, window.value, ["w", "b"])}
          />
          <WalkCharts study={walk} />
        </>
      ),
    };
  },
};

const distance = ([a, b]: Point, [c, d]: Point) => Math.hypot(a - c, b - d);

function drawData(pen: Pen, window: Window, points: Pairs, w: readonly number[], best: readonly number[] | null, residuals: boolean): void {
  const frame = frameOf(pen.width, pen.height, window);
  const { ink } = pen;
  axes(pen, frame, "x", "y", { grid: true });
  const line = ([slope, intercept]: readonly number[]) =>
    [window[0], window[1]].map((x) => reachable(frame.place(x, slope! * x + intercept!)));
  pen.inside(frame.box, () => {
    if (best) pen.line(line(best), ink.muted, 1.5, [6, 5]);
    if (residuals) for (const [x, y] of points) pen.line([frame.place(x, y), reachable(frame.place(x, w[0]! * x + w[1]!))], ink.walker, 1.2, [2, 3]);
    pen.line(line(w), ink.walker, 2.8);
    for (const [x, y] of points) mark(pen, frame.place(x, y), "circle", 6, ink.data);
  });
}

function dataTable(points: Pairs, [slope, intercept]: readonly number[]) {
  return {
    columns: ["x", "y", "line", "residual"],
    rows: points.map(([x, y]) => {
      const z = slope! * x + intercept!;
      return [exact(x), exact(y), short(z, 6), short(z - y, 6)];
    }),
  };
}

function PointsBox({ points, choose, put, add, drop }: {
  points: Pairs;
  choose: (points: Pairs, rate: number) => void;
  put: (i: number, point: readonly [number, number]) => void;
  add: () => void;
  drop: (i: number) => void;
}) {
  const read = (text: string) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : undefined);
  return (
    <Group title="Points">
      <label class="control">
        <span>Example</span>
        <select value="" onChange={(event) => {
          const [, list, rate] = EXAMPLES[Number(event.currentTarget.value)]!;
          choose(list, rate);
          event.currentTarget.value = "";
        }}>
          <option value="" disabled>choose</option>
          {EXAMPLES.map(([name], i) => <option key={name} value={String(i)}>{name}</option>)}
        </select>
      </label>
      <details class="numbers">
        <summary>{points.length} points: change them by number</summary>
        {points.map(([x, y], i) => (
          <div class="row point" key={i}>
            <NumberBox label={`x${i + 1}`} value={x} read={read} change={(value) => put(i, [value, y])} />
            <NumberBox label={`y${i + 1}`} value={y} read={read} change={(value) => put(i, [x, value])} />
            <button disabled={points.length <= 2} onClick={() => drop(i)} aria-label={`Remove point ${i + 1}`}>✕</button>
          </div>
        ))}
        <button disabled={points.length >= 60} onClick={add}>Add a point</button>
      </details>
    </Group>
  );
}
