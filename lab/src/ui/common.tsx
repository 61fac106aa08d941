// Parts that most scenes share.

import { useMemo } from "preact/hooks";
import { drawLand, survey, type Land } from "../draw/landscape.ts";
import { axes, frameOf, type Window } from "../draw/frame.ts";
import { drawGoal, drawPath } from "../draw/path.ts";
import type { Pen } from "../draw/pen.ts";
import { exact, short } from "../engine/numbers.ts";
import { SCHEDULES } from "../engine/rates.ts";
import { RULE_NAMES, ruleLabel, ruleSettings } from "../engine/rules.ts";
import { shown } from "../engine/typed.ts";
import type { Vec } from "../engine/vector.ts";
import { Chart } from "./chart.tsx";
import { FieldBox, FieldChoice, Group, NumberBox } from "./controls.tsx";
import type { Field } from "./fields.ts";
import type { TableData } from "./picture.tsx";
import { curvesOf } from "./scene.ts";
import type { Study, WalkFields } from "./study.ts";

export const RULES: readonly (readonly [string, string])[] = RULE_NAMES.map((name) => [name, ruleLabel(name)]);

/** Which way and how far, for how long. */
export function WalkSettings({ fields }: { fields: WalkFields }) {
  return (
    <Group title="The walk">
      <FieldChoice label="Rule" field={fields.rule} options={RULES} />
      {Object.hasOwn(ruleSettings(fields.rule.now), "β") && <FieldBox label="Momentum β" field={fields.beta} hint="β lies from 0 to 0.999" />}
      <FieldChoice label="Rate over time" field={fields.schedule} options={Object.values(SCHEDULES).map(({ name, label }) => [name, label])} />
      <FieldBox label="Updates" field={fields.updates} hint="a whole number from 1 to 2000" />
    </Group>
  );
}

/** The start, weight by weight. */
export function StartBoxes({ field, names }: { field: Field<readonly number[]>; names: readonly string[] }) {
  const values = field.now;
  return (
    <Group title="Start">
      <div class="row">
        {names.map((name, i) => (
          <NumberBox
            key={name} label={shown(name)} value={values[i] ?? 0} hint="a start is a number"
            read={(text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : undefined)}
            change={(value) => (field.now = names.map((_, j) => (j === i ? value : values[j] ?? 0)))}
          />
        ))}
      </div>
    </Group>
  );
}

/** Buttons that widen or narrow a picture. */
export function Zoom({ field }: { field: Field<number> }) {
  const by = (factor: number) => (field.now = Math.min(64, Math.max(1 / 64, field.now * factor)));
  return (
    <span class="zoom" role="group" aria-label="Zoom">
      <button onClick={() => by(0.5)} aria-label="Nearer">+</button>
      <button onClick={() => by(2)} aria-label="Farther">−</button>
    </span>
  );
}

export function zoomed([left, right, bottom, top]: Window, factor: number): Window {
  const stretch = (low: number, high: number): [number, number] => {
    const [middle, half] = [(low + high) / 2, ((high - low) / 2) * factor];
    return [middle - half, middle + half];
  };
  return [...stretch(left, right), ...stretch(bottom, top)];
}

/** A window of two weights that shows a start and a minimum, and stays put while the rate changes. */
export function windowFor(start: Vec, goal: Vec | null): Window {
  const centre = goal ?? start;
  const halves = [0, 1].map((i) => Math.abs(start[i]! - centre[i]!));
  const least = Math.max(...halves, 1e-9) * 0.35 || 1;
  const [a, b] = halves.map((half) => 1.3 * Math.max(half, least)) as [number, number];
  return [centre[0]! - a, centre[0]! + a, centre[1]! - b, centre[1]! + b];
}

/** Landscape, path, start, walker and minimum. */
export function drawWalk(pen: Pen, land: Land, study: Study, goals: readonly Vec[]): void {
  const frame = frameOf(pen.width, pen.height, land.window);
  const [x, y] = study.objective.value.names;
  drawLand(pen, land, frame);
  axes(pen, frame, shown(x!), shown(y!));
  goals.forEach((goal) => drawGoal(pen, frame, goal));
  drawPath(pen, frame, study.steps.value.map((step) => step.w), study.at.value, { colour: pen.ink.walker, steps: true });
}

export const surveyOf = (value: (w: Vec) => number, window: Window): Land => survey(value, window);

/** Heights on a coarse grid, and where the walk is: the landscape in numbers. */
export function landTable(value: (w: Vec) => number, window: Window, names: readonly string[]): TableData {
  const share = [0, 0.25, 0.5, 0.75, 1];
  const [left, right, bottom, top] = window;
  const xs = share.map((s) => left + s * (right - left));
  const ys = share.map((s) => top - s * (top - bottom));
  return {
    columns: [`${shown(names[1]!)} \\ ${shown(names[0]!)}`, ...xs.map((x) => short(x))],
    rows: ys.map((y) => [short(y), ...xs.map((x) => short(value([x, y])))]),
  };
}

/** The walk in numbers: about twenty of its steps. */
export function pathTable(study: Study): TableData {
  const { steps, objective } = study;
  const every = Math.max(1, Math.ceil(steps.value.length / 20));
  return {
    columns: ["step", ...objective.value.names.map(shown), "value"],
    rows: steps.value.filter((_, i) => i % every === 0 || i === steps.value.length - 1).map((step) => [step.k, ...step.w.map(exact), exact(step.value)]),
  };
}

/** Loss and gradient norm side by side. */
export function WalkCharts({ study, loss = "Loss", shape = 0.46 }: { study: Study; loss?: string; shape?: number }) {
  const curves = useMemo(() => curvesOf(study), [study]);
  const go = (x: number) => study.go(Math.max(0, Math.round(x)));
  return (
    <>
      <Chart title={loss} xName="update" data={curves.loss} at={study.at} go={go} shape={shape} />
      <Chart title="Gradient norm" xName="update" data={curves.norm} at={study.at} go={go} shape={shape} />
    </>
  );
}
