// The race: rules and batch sizes side by side, all from the same start with the same means.

import { computed } from "@preact/signals";
import { axes, frameOf } from "../draw/frame.ts";
import { drawLand } from "../draw/landscape.ts";
import { DASHES, SHAPES } from "../draw/marks.ts";
import { drawGoal, drawPath } from "../draw/path.ts";
import { LOSSES } from "../engine/losses.ts";
import { settle } from "../engine/minimum.ts";
import { exact, short } from "../engine/numbers.ts";
import { narrowness, ownLimit, race as run, RUNNERS, standing, track as makeTrack, TRIED, tuned } from "../engine/race.ts";
import { Chart } from "../ui/chart.tsx";
import { landTable, StartBoxes, surveyOf, windowFor, Zoom, zoomed } from "../ui/common.tsx";
import { FieldBox, FieldChoice, Group } from "../ui/controls.tsx";
import { choice, number, numbers, whole, words } from "../ui/fields.ts";
import { Picture } from "../ui/picture.tsx";
import { player } from "../ui/player.ts";
import type { Scene } from "../ui/scene.ts";
import { study, walkFields, type Study } from "../ui/study.ts";

const ROWS = 48;
const NAMES = RUNNERS.map(({ name }) => name);

export const race: Scene = {
  name: "race",
  title: "Race",
  lesson: "Which rule is fastest? Only a fair race can tell: the same rows, start, seed and number of row gradients for everyone.",
  open() {
    const fields = {
      runners: words(["batch", "stochastic", "mini", "momentum", "nesterov", "adam"]), protocol: choice("tuned", ["tuned", "same"]),
      ...walkFields(0.05), passes: whole(30, 1, 200), at: whole(0, 0, 200), offset: number(2, 0, 20), seed: whole(1, 0, 1e6),
      start: numbers([-1, 3], 2), zoom: number(1, 1 / 64, 64), ledger: choice("batch", NAMES),
    };
    const passes = fields.passes.signal;
    const start = computed(() => [fields.start.now[0] ?? 0, fields.start.now[1] ?? 0]);
    const track = computed(() => makeTrack(ROWS, fields.offset.now, LOSSES["mse"]!, fields.seed.now));
    const objective = computed(() => track.value.objective);
    const running = computed(() => RUNNERS.filter(({ name }) => fields.runners.now.includes(name)));
    const best = computed(() => new Map(RUNNERS.map((runner) => [runner.name, tuned(track.value, runner, start.value, passes.value, fields.seed.now)])));
    const same = computed(() => fields.protocol.now === "same");
    const rateOf = (name: string) => (same.value ? fields.rate.now : best.value.get(name)!);
    const lanes = computed(() => running.value.map((runner) => ({
      runner, lane: NAMES.indexOf(runner.name), rate: rateOf(runner.name),
      steps: run(track.value, runner, rateOf(runner.name), start.value, passes.value, fields.seed.now),
    })));
    const at = computed(() => Math.min(fields.at.now, passes.value));
    const goal = computed(() => settle(objective.value, start.value)!);
    const lowest = computed(() => objective.value.value(goal.value));
    const window = computed(() => zoomed(windowFor(start.value, goal.value), 1.6 * fields.zoom.now));
    const land = computed(() => surveyOf(objective.value.value, window.value));

    // Slider and ledger are about one runner: the plain one for the slider, the chosen one for the ledger.
    const plain = study(fields, objective, start);
    const chosen = computed(() => {
      const runner = RUNNERS.find(({ name }) => name === fields.ledger.now)!;
      return { runner, steps: run(track.value, runner, rateOf(runner.name), start.value, passes.value, fields.seed.now) };
    });
    const shown: Study = {
      ...plain,
      rule: computed(() => chosen.value.runner.rule),
      steps: computed(() => chosen.value.steps),
      here: computed(() => standing(chosen.value.steps, at.value, ROWS)),
      at: computed(() => standing(chosen.value.steps, at.value, ROWS).k),
      findings: computed(() => []),
      go: (k) => (fields.at.now = Math.ceil((chosen.value.steps[Math.min(k, chosen.value.steps.length - 1)]?.spent ?? 0) / ROWS)),
    };
    const table = computed(() => lanes.value
      .map(({ runner, lane, rate, steps }) => {
        const step = standing(steps, at.value, ROWS);
        return { runner, lane, rate, step, limit: ownLimit(track.value, runner, step), excess: step.value - lowest.value };
      })
      .sort((a, b) => (Number.isFinite(a.excess) ? a.excess : Infinity) - (Number.isFinite(b.excess) ? b.excess : Infinity)));
    const curves = computed(() => ({
      x: Array.from({ length: passes.value + 1 }, (_, i) => i),
      list: lanes.value.map(({ runner, lane, steps }) => {
        const thin = Math.max(1, Math.floor(steps.length / 600));
        const kept = steps.filter((_, i) => i % thin === 0);
        return { name: runner.label, lane, x: kept.map((step) => step.spent / ROWS), values: kept.map((step) => step.value - lowest.value + 1e-16) };
      }),
    }));
    const clock = player(fields.at.signal, passes, () => (passes.value = Math.min(200, passes.value + 1)));

    return {
      fields, study: shown, player: clock, unit: "pass", rateSet: same,
      Remark: () => {
        const [leader] = table.value;
        return (
          <div class="remark" role="status">
            <p><span>
              After {at.value} of {passes.value} passes{leader ? <> <b>{leader.runner.label}</b> is nearest: {short(leader.excess)} above the lowest loss {short(lowest.value)}.</> : " nobody runs."}{" "}
              Protocol: {ROWS} rows, one pass = {ROWS} row gradients, the same start and seed {fields.seed.now};{" "}
              {same.value ? "one rate for all." : `each at its best of ${TRIED} rates, chosen by its loss after ${passes.value} passes.`}
            </span></p>
          </div>
        );
      },
      Settings: () => (
        <>
          <Group title="Runners">
            {RUNNERS.map(({ name, label }, lane) => (
              <label class="control switch" key={name}>
                <input type="checkbox" checked={fields.runners.now.includes(name)} onChange={(event) => {
                  const others = fields.runners.now.filter((other) => other !== name);
                  fields.runners.now = NAMES.filter((other) => others.includes(other) || (other === name && event.currentTarget.checked));
                }} />
                <Sample lane={lane} /><span>{label}</span>
              </label>
            ))}
          </Group>
          <Group title="Protocol">
            <FieldChoice label="Rates" field={fields.protocol} options={[["tuned", "each its own best"], ["same", "one for all"]]} />
            <FieldBox label="Passes over the rows" field={fields.passes} hint="a whole number from 1 to 200" />
            <FieldBox label="Seed" field={fields.seed} hint="a whole number from 0" />
          </Group>
          <Group title="Track">
            <FieldBox label="Mean of x" field={fields.offset} hint="a number from 0 to 20" />
            <p class="note">y = 1.5·x + 0.5 + noise. The farther x lies from 0, the narrower the valley: it is now {short(narrowness(track.value), 3)} times as steep across as along.</p>
          </Group>
          <StartBoxes field={fields.start} names={["w", "b"]} />
          <Group title="Ledger">
            <FieldChoice label="Runner" field={fields.ledger} options={RUNNERS.map(({ name, label }) => [name, label])} />
          </Group>
        </>
      ),
      Pictures: () => (
        <>
          <Picture
            title="The field" shape={0.74}
            draw={(pen) => {
              const frame = frameOf(pen.width, pen.height, land.value.window);
              drawLand(pen, land.value, frame);
              axes(pen, frame, "w", "b");
              drawGoal(pen, frame, goal.value);
              for (const { lane, steps } of lanes.value) {
                drawPath(pen, frame, steps.map((step) => step.w), standing(steps, at.value, ROWS).k, { colour: pen.ink.lanes[lane]!, shape: SHAPES[lane]!, dash: DASHES[lane]! });
              }
            }}
            onPointer={(kind, at, [width, height]) => {
              if (kind === "down") fields.start.now = frameOf(width, height, window.peek()).read(at).map((v) => Number(v.toPrecision(3)));
            }}
            caption={<>Each runner has its own shape and dash. The cross is the best line; click to choose the start. <Zoom field={fields.zoom} /></>}
            table={() => landTable(objective.value.value, window.value, ["w", "b"])}
          />
          <Chart title="Loss above the lowest" xName="passes over the rows" data={curves} at={at} shape={0.74} go={(x) => (fields.at.now = Math.max(0, Math.min(passes.value, x)))} />
          <figure class="picture wide">
            <figcaption><h2>Where each stands</h2></figcaption>
            <div class="scroll" tabIndex={0} role="region" aria-label="Where each stands: table">
              <table class="standings">
                <thead><tr><th scope="col">runner</th><th scope="col">loss above lowest</th><th scope="col">w</th><th scope="col">b</th><th scope="col">updates</th><th scope="col">rate</th><th scope="col">own stable limit</th><th scope="col">rate ÷ limit</th></tr></thead>
                <tbody>
                  {table.value.map(({ runner, lane, rate, step, limit, excess }) => (
                    <tr key={runner.name} data-runner={runner.name}>
                      <th scope="row"><Sample lane={lane} /> {runner.label}</th>
                      <td data-name="excess">{short(excess)}</td><td data-name="w">{exact(Number(step.w[0]!.toPrecision(8)))}</td><td data-name="b">{exact(Number(step.w[1]!.toPrecision(8)))}</td>
                      <td>{step.k}</td><td data-name="rate">{exact(rate)}</td>
                      <td data-name="limit">{limit === null ? "not known" : short(limit)}</td><td>{limit === null ? "" : short(rate / limit, 3)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <p class="caption">A batch's limit is safe for the worst rows that can be drawn. Adam's, RMSProp's and AdaGrad's follow their rescaled curvature, so they change from step to step.</p>
          </figure>
        </>
      ),
    };
  },
};

const SIGNS = ["●", "■", "▲", "◆", "✕", "⬟", "▼", "★"];

/** A runner's mark in the text. */
const Sample = ({ lane }: { lane: number }) => (
  <i class="sample" style={{ color: `var(--lane-${lane})` }} aria-hidden="true">{SIGNS[lane]}</i>
);
