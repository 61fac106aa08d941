// Noise: what a mini-batch does to the gradient, the floor it leaves, and how it can help.

import { computed } from "@preact/signals";
import { curveWindow, drawCurve } from "../draw/curve.ts";
import { around, axes, frameOf, reachable } from "../draw/frame.ts";
import { mark } from "../draw/marks.ts";
import type { Pen, Point } from "../draw/pen.ts";
import { eigen } from "../engine/curvature.ts";
import { cloud, covariance, escapes, floorOf, measuredFloor } from "../engine/noise.ts";
import { exact, short } from "../engine/numbers.ts";
import { drawn } from "../engine/random.ts";
import { makeRate } from "../engine/rates.ts";
import { tilted, tilts } from "../engine/tilted.ts";
import { shown, typed } from "../engine/typed.ts";
import { range, type Matrix, type Vec } from "../engine/vector.ts";
import { Chart } from "../ui/chart.tsx";
import { drawWalk, landTable, StartBoxes, surveyOf, WalkSettings, Zoom, zoomed } from "../ui/common.tsx";
import { FieldBox, Group } from "../ui/controls.tsx";
import { choice, number, numbers, whole } from "../ui/fields.ts";
import { Picture, type TableData } from "../ui/picture.tsx";
import { playerOf, type Scene } from "../ui/scene.ts";
import { study, walkFields } from "../ui/study.ts";

const ROWS = 256;
const CLOUD = 150;
const WALKERS = 60;
const GROUNDS = {
  bowl: { label: "a bowl: the noise floor", text: "0.5*x^2 + 2*y^2", start: [-3, 2], rate: 0.1, noise: 1.5, updates: 300 },
  valley: { label: "a shallow valley: escape", text: "0.25*w^4 - 0.5*w^2 - 0.15*w", start: [-1.4], rate: 0.1, noise: 1.5, updates: 400 },
} as const;
const RIDGE = -0.16;
const BATCHES = [1, 2, 4, 8, 16, 64, ROWS];

export const noise: Scene = {
  name: "noise",
  title: "Noise",
  lesson: "A mini-batch sees a few rows only, so its gradient is the true one plus chance: cheap, never quite right, and sometimes a help.",
  open() {
    const fields = {
      ground: choice("bowl", Object.keys(GROUNDS)), ...walkFields(0.1, 300), batch: whole(1, 1, ROWS), noise: number(1.5, 0, 100),
      seed: whole(1, 0, 1e6), start: numbers([-3, 2], 2), zoom: number(1, 1 / 64, 64),
    };
    const name = computed(() => fields.ground.now as keyof typeof GROUNDS);
    const flat = computed(() => name.value === "valley");
    const surface = computed(() => typed(GROUNDS[name.value].text));
    const spread = computed(() => tilts(ROWS, surface.value.names.length, fields.noise.now, 5));
    const objective = computed(() => tilted(surface.value, spread.value));
    const start = computed((): Vec => surface.value.names.map((_, i) => fields.start.now[i] ?? 0));
    const batch = fields.batch.signal;
    const batches = computed(() => {
      const [size, seed] = [batch.value, fields.seed.now];
      return size >= ROWS ? undefined : () => drawn(ROWS, size, seed);
    });
    const walk = study(fields, objective, start, { batches });
    const lowest = computed(() => (flat.value ? surface.value.value([1.0733]) : 0));
    const noiseOf = computed((): Matrix => covariance(spread.value, surface.value.names.map(() => 0))
      .map((row) => row.map((x) => (batch.value >= ROWS ? 0 : x / batch.value))));
    const bend = computed(() => surface.value.hessian(walk.minimum.value ?? start.value));
    const formula = computed(() => floorOf(bend.value, noiseOf.value, fields.rate.now));
    const measured = computed(() => measuredFloor(walk.steps.value, lowest.value));
    const window = computed(() => zoomed([-4.5, 4.5, -3.5, 3.5], fields.zoom.now));
    const curve = computed(() => curveWindow(surface.value, -2 * fields.zoom.now, 2.1 * fields.zoom.now));
    const land = computed(() => surveyOf(surface.value.value, window.value));
    const goals = computed((): Vec[] => [[0, 0]]);
    const arrows = computed(() => cloud(objective.value, walk.here.value.w, batch.value, CLOUD, fields.seed.now + 1));
    const plainRule = computed(() => fields.rule.now === "plain" && fields.schedule.now === "constant");
    const excess = computed(() => ({
      x: walk.steps.value.map((step) => step.k),
      list: [{ name: "value above the lowest", values: walk.steps.value.map((step) => Math.max(step.value - lowest.value, 1e-16)), lane: 0 }],
      levels: !flat.value && plainRule.value && batch.value < ROWS && Number.isFinite(formula.value) ? [{ name: `floor by formula ${short(formula.value)}`, value: formula.value }] : [],
    }));
    const escaped = computed(() => BATCHES.map((size) => {
      const setting = { objective: objective.value, rule: walk.rule.value, rate: makeRate(fields.rate.now, fields.schedule.now), start: start.value };
      return { size, ...escapes(setting, size, WALKERS, Math.min(fields.updates.now, 400), ([w]) => w! > RIDGE, fields.seed.now) };
    }));

    const choose = (next: string) => {
      const ground = GROUNDS[next as keyof typeof GROUNDS];
      fields.ground.now = next;
      [fields.start.now, fields.rate.now, fields.noise.now] = [[...ground.start], ground.rate, ground.noise];
      [fields.updates.now, fields.k.now, fields.zoom.now] = [ground.updates, 0, 1];
    };
    const Floor = () => (
      <p><span>
        {batch.value >= ROWS
          ? "All rows at every step: no noise, and no floor. "
          : <>Measured floor, mean of the last half: <b data-floor="measured" data-value={exact(measured.value.level)}>{short(measured.value.level)}</b> ± {short(measured.value.error, 2)}.{" "}
            {plainRule.value && <>By formula, Σ η·σ² / (2·(2 − η·λ)) over directions: <b data-floor="formula" data-value={exact(formula.value)}>{short(formula.value)}</b>. </>}</>}
        Half the rate or twice the batch: about half the floor.
      </span></p>
    );
    const Escape = () => (
      <p><span>
        The left valley is shallow, the right one deep. Of {WALKERS} walkers that start at {short(start.value[0]!)}, over the ridge get{" "}
        {escaped.value.map(({ size, escaped }) => `${escaped} with ${size === ROWS ? "all rows" : size === 1 ? "1 row" : size} a step`).join(", ")}.
      </span></p>
    );
    return {
      fields, study: walk, player: playerOf(walk),
      Remark: () => <div class="remark" role="status">{flat.value ? <Escape /> : <Floor />}</div>,
      Settings: () => (
        <>
          <Group title="Ground">
            <label class="control">
              <span>Ground</span>
              <select value={name.value} onChange={(event) => choose(event.currentTarget.value)}>
                {Object.entries(GROUNDS).map(([key, { label }]) => <option key={key} value={key}>{label}</option>)}
              </select>
            </label>
            <p class="note">{ROWS} rows; each is the surface tilted its own way, and all tilts together cancel.</p>
          </Group>
          <Group title="Noise">
            <label class="control">
              <span>Rows in a batch</span>
              <select value={String(batch.value)} onChange={(event) => (batch.value = Number(event.currentTarget.value))}>
                {BATCHES.map((size) => <option key={size} value={String(size)}>{size === ROWS ? `all ${ROWS}` : size}</option>)}
              </select>
            </label>
            <FieldBox label="Spread of the tilts σ" field={fields.noise} hint="a number from 0 to 100" />
            <FieldBox label="Seed" field={fields.seed} hint="a whole number from 0" />
          </Group>
          <StartBoxes field={fields.start} names={surface.value.names} />
          <WalkSettings fields={fields} />
        </>
      ),
      Pictures: () => (
        <>
          <Picture
            title={flat.value ? "The ground and one walker" : "The walk"} shape={0.74}
            draw={(pen) => (flat.value
              ? drawCurve(pen, surface.value, curve.value, walk.steps.value, walk.at.value, [1.0733, -0.9153].filter((w) => w > curve.value[0] && w < curve.value[1]), ["w", "f"])
              : drawWalk(pen, land.value, walk, goals.value))}
            onPointer={(kind, at, [width, height]) => {
              if (kind === "up") return;
              const place = frameOf(width, height, flat.peek() ? curve.peek() : window.peek()).read(at).map((x) => Number(x.toPrecision(3)));
              fields.start.now = flat.peek() ? [place[0]!] : place;
            }}
            caption={<>Click to choose the start. <Zoom field={fields.zoom} /></>}
            table={() => (flat.value
              ? { columns: ["rows a step", "over the ridge", "of"], rows: escaped.value.map(({ size, escaped }) => [size, escaped, WALKERS]) }
              : landTable(surface.value.value, window.value, surface.value.names))}
          />
          {flat.value
            ? <Picture title="Where walkers end" shape={0.74} draw={(pen) => drawEnds(pen, escaped.value)} caption={`Each dot is one of ${WALKERS} walkers; the line is the ridge between the valleys.`} table={() => ({ columns: ["rows a step", "over the ridge", "of"], rows: escaped.value.map(({ size, escaped }) => [size, escaped, WALKERS]) })} />
            : <Picture title="The cloud of gradients" shape={0.74} draw={(pen) => drawCloud(pen, arrows.value, objective.value.gradient(walk.here.value.w), noiseOf.value)} caption={`${CLOUD} batch gradients at step ${walk.at.value}. The cross is the true gradient, the ring two standard deviations.`} table={() => cloudTable(arrows.value, objective.value.gradient(walk.here.value.w))} />}
          <Chart title="Value above the lowest" xName="update" data={excess} at={walk.at} shape={0.46} go={(x) => walk.go(Math.max(0, x))} />
          <Picture
            title="Floor against rate" shape={0.46} weight="small"
            draw={(pen) => drawFloors(pen, bend.value, noiseOf.value, fields.rate.now, flat.value ? null : measured.value.level)}
            caption="The formula for the plain rule near the minimum; the dot is what this walk measures."
            table={() => ({ columns: ["rate", "floor by formula"], rows: floorCurve(bend.value, noiseOf.value).filter((_, i) => i % 6 === 0).map(([rate, level]) => [short(rate), short(level)]) })}
          />
        </>
      ),
    };
  },
};

function drawCloud(pen: Pen, points: readonly Vec[], truth: Vec, noise: Matrix): void {
  const ring = ellipse(truth, noise);
  const frame = frameOf(pen.width, pen.height, around([0, truth[0]!, ...ring.map(([x]) => x)], [0, truth[1]!, ...ring.map(([, y]) => y)], 0.15));
  axes(pen, frame, "gradient of x", "gradient of y", { grid: true });
  pen.inside(frame.box, () => {
    for (const [x, y] of points) pen.dot(frame.place(x!, y!), 2.6, pen.ink.data);
    pen.line(ring.map(([x, y]) => frame.place(x, y)), pen.ink.model, 1.6, [5, 4]);
    pen.line([frame.place(0, 0), frame.place(truth[0]!, truth[1]!)], pen.ink.walker, 2.5);
    mark(pen, frame.place(0, 0), "circle", 4, pen.ink.paper, pen.ink.walker);
    mark(pen, frame.place(truth[0]!, truth[1]!), "cross", 6, pen.ink.walker);
  });
}

function ellipse(centre: Vec, noise: Matrix): Point[] {
  const { values, vectors } = eigen(noise);
  return range(61).map((i) => {
    const angle = (2 * Math.PI * i) / 60;
    const [a, b] = [2 * Math.sqrt(Math.max(0, values[0]!)) * Math.cos(angle), 2 * Math.sqrt(Math.max(0, values[1]!)) * Math.sin(angle)];
    return [centre[0]! + a * vectors[0]![0]! + b * vectors[1]![0]!, centre[1]! + a * vectors[0]![1]! + b * vectors[1]![1]!];
  });
}

function cloudTable(points: readonly Vec[], truth: Vec): TableData {
  return {
    columns: ["batch", ...truth.map((_, i) => `gradient of ${shown("xy"[i]!)}`)],
    rows: [["all rows", ...truth.map(exact)], ...points.slice(0, 15).map((point, i) => [i + 1, ...point.map(exact)])],
  };
}

const floorCurve = (bend: Matrix, noise: Matrix): [number, number][] => {
  const limit = 2 / eigen(bend).values.at(-1)!;
  return range(61).map((i) => {
    const rate = limit * Math.pow(10, -2.2 + (2.19 * i) / 60);
    return [rate, floorOf(bend, noise, rate)];
  });
};

function drawFloors(pen: Pen, bend: Matrix, noise: Matrix, rate: number, measured: number | null): void {
  const points = floorCurve(bend, noise).filter(([, level]) => level > 0 && Number.isFinite(level)).map(([x, level]): Point => [x, Math.log10(level)]);
  if (!points.length) return pen.text([pen.width / 2, pen.height / 2], "no noise, no floor", { align: "center", colour: pen.ink.muted });
  const frame = frameOf(pen.width, pen.height, [0, points.at(-1)![0], points[0]![1] - 0.1, points.at(-1)![1]]);
  axes(pen, frame, "learning rate", "floor", { grid: true, log: true });
  pen.inside(frame.box, () => {
    pen.line(points.map(([x, y]) => frame.place(x, y)), pen.ink.model, 2);
    if (measured !== null && measured > 0) mark(pen, reachable(frame.place(rate, Math.log10(measured))), "circle", 6, pen.ink.walker);
  });
}

function drawEnds(pen: Pen, runs: readonly { size: number; ends: readonly Vec[]; escaped: number }[]): void {
  const frame = frameOf(pen.width, pen.height, [-2, 2.1, -0.6, runs.length - 0.4]);
  const [x0, y0, , high] = frame.box;
  pen.inside(frame.box, () => {
    const [ridge] = frame.place(RIDGE, 0);
    pen.line([[ridge, y0], [ridge, y0 + high]], pen.ink.muted, 1.5, [6, 4]);
    runs.forEach(({ ends, escaped }, row) => {
      ends.forEach(([w], i) => {
        const beyond = w! > RIDGE;
        const at = reachable(frame.place(w!, row + ((i % 12) - 5.5) * 0.05));
        mark(pen, at, beyond ? "circle" : "square", 3, beyond ? pen.ink.lanes[2]! : pen.ink.lanes[1]!, pen.ink.paper);
      });
      const [, y] = frame.place(0, row);
      pen.text([x0 + frame.box[2] - 6, y - 14], `${escaped} over`, { align: "right", size: 11, halo: pen.ink.paper });
    });
  });
  for (const w of [-2, -1, 0, 1, 2]) {
    const [px] = frame.place(w, 0);
    pen.text([px, y0 + high + 13], String(w).replace("-", "−"), { align: "center", colour: pen.ink.muted, size: 11 });
  }
  runs.forEach(({ size }, row) => pen.text([x0 - 7, frame.place(0, row)[1]], size === ROWS ? "all" : String(size), { align: "right", colour: pen.ink.muted, size: 11 }));
  pen.text([x0 + frame.box[2] / 2, y0 + high + 30], "w at the end", { align: "center" });
  pen.text([9, y0 + high / 2], "rows a step", { align: "center", turn: true });
}
