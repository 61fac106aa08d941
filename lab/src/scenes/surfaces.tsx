// Surfaces: famous shapes seen from above and from the side, many walkers, and where each start leads.

import { computed, effect, signal } from "@preact/signals";
import { frameOf, type Frame } from "../draw/frame.ts";
import { bandOf, drawLand, survey, type Land } from "../draw/landscape.ts";
import { mark, SHAPES } from "../draw/marks.ts";
import { drawGoal, drawPath } from "../draw/path.ts";
import type { Pen } from "../draw/pen.ts";
import { drawRelief } from "../draw/relief.ts";
import { axes } from "../draw/frame.ts";
import { basinsOf, minimaOver, type Basins } from "../engine/basins.ts";
import { walk as walkSteps } from "../engine/descend.ts";
import { exact, short } from "../engine/numbers.ts";
import { uniforms } from "../engine/random.ts";
import { makeRate } from "../engine/rates.ts";
import { SURFACES } from "../engine/surfaces.ts";
import { typed } from "../engine/typed.ts";
import { range } from "../engine/vector.ts";
import { landTable, StartBoxes, WalkCharts, WalkSettings, Zoom, zoomed } from "../ui/common.tsx";
import { Group, Switch } from "../ui/controls.tsx";
import { choice, flag, number, numbers, pairs } from "../ui/fields.ts";
import { Picture } from "../ui/picture.tsx";
import { playerOf, type Scene } from "../ui/scene.ts";
import { study, walkFields } from "../ui/study.ts";

const GRID = 44;
// Lane colours for basins and other walkers: all but the walker's own.
const LANES = [0, 2, 3, 4, 5, 7, 6];
const laneOf = (i: number): number => LANES[i % LANES.length]!;

export const surfaces: Scene = {
  name: "surfaces",
  title: "Surfaces",
  lesson: "Shapes that make the walk easy or hard. Click to choose a start; add walkers to see where each of them ends.",
  open() {
    const first = SURFACES["valley"]!;
    const fields = {
      surface: choice("valley", Object.keys(SURFACES)), ...walkFields(first.rate, 80), start: numbers(first.start, 2),
      others: pairs([], 24), basins: flag(false), turn: number(-35, -180, 180), tilt: number(38, 5, 90), zoom: number(1, 1 / 64, 64),
    };
    const surface = computed(() => SURFACES[fields.surface.now]!);
    const objective = computed(() => typed(surface.value.text));
    const start = computed(() => [fields.start.now[0] ?? 0, fields.start.now[1] ?? 0]);
    const window = computed(() => zoomed(surface.value.window, fields.zoom.now));
    const minima = computed(() => minimaOver(objective.value, window.value));
    const lowest = computed(() => (minima.value.length ? Math.min(...minima.value.map((w) => objective.value.value(w))) : null));
    const walk = study(fields, objective, start, { lowest });
    const land = computed(() => survey(objective.value.value, window.value));
    const coarse = computed(() => survey(objective.value.value, window.value, 40));
    const relief = computed(() => ({ land: coarse.value, view: { turn: fields.turn.now, tilt: fields.tilt.now } }));
    const rate = computed(() => makeRate(fields.rate.now, fields.schedule.now));
    const herd = computed(() => fields.others.now.map((from) =>
      walkSteps({ objective: objective.value, rule: walk.rule.value, rate: rate.value, start: from }, fields.updates.now)));

    const basins = signal<Basins | null>(null);
    // A map takes a moment, so it waits until the slider rests.
    effect(() => {
      if (!fields.basins.now) {
        basins.value = null;
        return;
      }
      const setting = { objective: objective.value, rule: walk.rule.value, rate: rate.value };
      const [seen, goals, updates] = [window.value, minima.value, fields.updates.now];
      const wait = setTimeout(() => (basins.value = basinsOf(setting, seen, goals, Math.min(updates, 120), GRID)), 150);
      return () => clearTimeout(wait);
    });

    const choose = (name: string) => {
      const next = SURFACES[name]!;
      fields.surface.now = name;
      [fields.start.now, fields.rate.now] = [next.start, next.rate];
      [fields.others.now, fields.k.now, fields.zoom.now] = [[], 0, 1];
    };
    const scatter = () => {
      const [left, right, bottom, top] = surface.value.window;
      const uniform = uniforms(11 + fields.others.now.length);
      fields.others.now = range(12).map(() => [left + uniform() * (right - left), bottom + uniform() * (top - bottom)].map((x) => Number(x.toPrecision(3))) as unknown as [number, number]);
    };
    const placeOf = (k: number, length: number) => Math.min(k, length - 1);
    const reliefWalks = (pen: Pen) => [...herd.value, walk.steps.value].map((steps, i, all) => {
      const shown = steps.slice(0, placeOf(walk.at.value, steps.length) + 1);
      return { points: shown.map((step) => step.w), values: shown.map((step) => step.value), colour: i === all.length - 1 ? pen.ink.walker : pen.ink.lanes[laneOf(i)]! };
    });

    return {
      fields, study: walk, player: playerOf(walk),
      Settings: () => (
        <>
          <Group title="Surface">
            <label class="control">
              <span>Shape</span>
              <select value={fields.surface.now} onChange={(event) => choose(event.currentTarget.value)}>
                {Object.values(SURFACES).map(({ name, label }) => <option key={name} value={name}>{label}</option>)}
              </select>
            </label>
            <p class="note">{surface.value.lesson}</p>
          </Group>
          <Group title="Walkers">
            <StartBoxes field={fields.start} names={objective.value.names} />
            <div class="row">
              <button onClick={scatter}>Scatter 12 more</button>
              <button disabled={fields.others.now.length >= 24} onClick={() => (fields.others.now = [...fields.others.now, start.value as [number, number]])}>Keep this start</button>
              <button disabled={fields.others.now.length === 0} onClick={() => (fields.others.now = [])}>Only one</button>
            </div>
            <Switch label="Show basins: where each start leads" field={fields.basins} />
          </Group>
          <WalkSettings fields={fields} />
        </>
      ),
      Pictures: () => (
        <>
          <Picture
            title="From above" shape={0.74}
            draw={(pen) => drawAbove(pen, land.value, basins.value, (frame) => {
              minima.value.forEach((goal, i) => (basins.value ? label(pen, frame, goal, i) : drawGoal(pen, frame, goal)));
              herd.value.forEach((steps, i) => drawPath(pen, frame, steps.map((step) => step.w), placeOf(walk.at.value, steps.length), { colour: pen.ink.lanes[laneOf(i)]!, shape: SHAPES[laneOf(i)]! }));
              drawPath(pen, frame, walk.steps.value.map((step) => step.w), walk.at.value, { colour: pen.ink.walker, steps: true });
            })}
            onPointer={(kind, at, [width, height]) => {
              if (kind !== "up") fields.start.now = frameOf(width, height, window.peek()).read(at).map((x) => Number(x.toPrecision(3)));
            }}
            caption={<>{basins.value ? basinWords(basins.value, minima.value.length) : `Dark is low. ${minima.value.length === 1 ? "The cross marks the minimum." : `Crosses mark ${minima.value.length} minima.`}`} Click to choose the start. <Zoom field={fields.zoom} /></>}
            table={() => landTable(objective.value.value, window.value, objective.value.names)}
          />
          <Picture
            title="From the side" shape={0.74}
            draw={(pen) => drawRelief(pen, relief.value, reliefWalks(pen))}
            onPointer={(kind, at, _, event) => {
              if (kind !== "move") return;
              fields.turn.now = wrap(Math.round(fields.turn.now - event.movementX * 0.6));
              fields.tilt.now = Math.max(5, Math.min(90, Math.round(fields.tilt.now + event.movementY * 0.4)));
              void at;
            }}
            caption="Drag to turn. Height is drawn as the square root of the value above the lowest."
            table={() => walkersTable()}
          >
            <div class="turns">
              <label><span>Turn</span><input type="range" min={-180} max={180} step={1} value={fields.turn.now} onInput={(event) => (fields.turn.now = Number(event.currentTarget.value))} /></label>
              <label><span>Tilt</span><input type="range" min={5} max={90} step={1} value={fields.tilt.now} onInput={(event) => (fields.tilt.now = Number(event.currentTarget.value))} /></label>
            </div>
          </Picture>
          <WalkCharts study={walk} loss="Value" />
        </>
      ),
    };

    function walkersTable() {
      return {
        columns: ["walker", "start x", "start y", "end x", "end y", "value at end"],
        rows: [walk.steps.value, ...herd.value].map((steps, i) => {
          const [from, to] = [steps[0]!, steps.at(-1)!];
          return [i + 1, short(from.w[0]!), short(from.w[1]!), short(to.w[0]!), short(to.w[1]!), exact(to.value)];
        }),
      };
    }
  },
};

const wrap = (turn: number) => ((turn + 540) % 360) - 180;

function drawAbove(pen: Pen, land: Land, basins: Basins | null, rest: (frame: Frame) => void): void {
  const frame = frameOf(pen.width, pen.height, land.window);
  drawLand(pen, land, frame);
  if (basins) drawBasins(pen, land, basins, frame);
  axes(pen, frame, "x", "y");
  rest(frame);
}

// Each basin in its own colour, lighter higher up; starts that arrive nowhere keep the land's.
function drawBasins(pen: Pen, land: Land, basins: Basins, frame: Frame): void {
  const [x0, y0, wide, high] = frame.box;
  const { size } = basins;
  pen.layer(basins, (under) => {
    basins.ends.forEach((end, cell) => {
      if (end < 0) return;
      const [i, j] = [cell % size, Math.floor(cell / size)];
      const [left, right] = [i, i + 1].map((n) => Math.round(x0 + (n / size) * wide)) as [number, number];
      const [bottom, top] = [j, j + 1].map((n) => Math.round(y0 + high - (n / size) * high)) as [number, number];
      const row = Math.floor(((j + 0.5) / size) * land.size);
      const column = Math.floor(((i + 0.5) / size) * land.size);
      const light = Math.round(235 - 110 * bandOf(land, land.values[row * land.size + column]!)).toString(16);
      under.area([[[left, top], [right, top], [right, bottom], [left, bottom]]], under.ink.lanes[laneOf(end)]! + light);
    });
  });
}

function label(pen: Pen, frame: Frame, [x, y]: readonly number[], i: number): void {
  const at = frame.place(x!, y!);
  mark(pen, at, "circle", 9, pen.ink.paper, pen.ink.text);
  pen.text(at, String(i + 1), { align: "center", bold: true });
}

const MOST_SAID = 6;

function basinWords(basins: Basins, count: number): string {
  const shareOf = (i: number) => Math.round((100 * basins.ends.filter((end) => end === i).length) / basins.ends.length);
  const parts = range(Math.min(count, MOST_SAID)).map((i) => `${shareOf(i)}% ${i ? "to" : "of starts lead to minimum"} ${i + 1}`);
  const more = count > MOST_SAID ? `, the others to ${count - MOST_SAID} more` : "";
  const nowhere = shareOf(-1);
  return `${parts.join(", ")}${more}${nowhere ? `, ${nowhere}% to none in ${basins.updates} updates` : ""}.`;
}
