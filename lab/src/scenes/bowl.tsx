// The bowl: any typed formula of one or two weights.

import { computed, signal } from "@preact/signals";
import { useId } from "preact/hooks";
import { curveWindow, drawCurve } from "../draw/curve.ts";
import { frameOf, type Window } from "../draw/frame.ts";
import { minimaBetween, settle } from "../engine/minimum.ts";
import { exact, short } from "../engine/numbers.ts";
import { shown, typed, type Typed } from "../engine/typed.ts";
import { spaced, type Vec } from "../engine/vector.ts";
import { drawWalk, landTable, StartBoxes, surveyOf, WalkCharts, WalkSettings, windowFor, Zoom, zoomed } from "../ui/common.tsx";
import { Group } from "../ui/controls.tsx";
import { number, numbers, text } from "../ui/fields.ts";
import { Picture } from "../ui/picture.tsx";
import { playerOf, type Scene } from "../ui/scene.ts";
import { steady } from "../ui/steady.ts";
import { study, walkFields } from "../ui/study.ts";

const EXAMPLES: readonly (readonly [string, readonly number[], number])[] = [
  ["(w - 3)^2", [0], 0.1],
  ["w^4 - 3*w^2 + w", [2], 0.02],
  ["w*cos(w)", [0], 0.1],
  ["abs(w) + 0.1*w^2", [4], 0.3],
  ["(a - 1)^2 + 10*(b + 2)^2", [-3, 1], 0.05],
  ["a^2 - b^2 + 0.1*b^4", [-3, 0.01], 0.1],
];

export const bowl: Scene = {
  name: "bowl",
  title: "Bowl",
  lesson: "One formula, one walker. Each update goes down the slope by rate × gradient: w ← w − η·f′(w).",
  open() {
    const fields = { f: text("(w - 3)^2"), ...walkFields(0.1, 40), start: numbers([0]), zoom: number(1, 1 / 64, 64) };
    const wrong = signal("");
    let last: Typed = typed(fields.f.initial);
    const objective = computed(() => {
      try {
        last = typed(fields.f.now);
        wrong.value = "";
      } catch (error) {
        wrong.value = (error as Error).message;
      }
      return last;
    });
    const start = computed((): Vec => objective.value.names.map((_, i) => fields.start.now[i] ?? 0));
    const flat = computed(() => objective.value.names.length === 1);
    const lowest = computed(() => lowestNear(objective.value, start.value));
    const walk = study(fields, objective, start, { lowest });

    const window = steady(() => {
      const [zoom, goal] = [fields.zoom.now, walk.minimum.value];
      const subject = `${fields.f.now} ${zoom}`;
      const shows = goal ? [start.value, goal] : [start.value];
      if (!flat.value) return { window: zoomed(windowFor(start.value, goal), zoom), shows: zoom < 1 ? [] : shows, subject };
      const middle = goal?.[0] ?? start.value[0]!;
      const half = Math.max(1.4 * Math.abs(start.value[0]! - middle), 1) * zoom;
      return { window: curveWindow(objective.value, middle - half, middle + half), shows: zoom < 1 ? [] : shows.map(([w]) => [w!]), subject };
    });
    const minima = computed(() => (flat.value ? minimaBetween(objective.value, window.value[0], window.value[1]) : []));
    const land = computed(() => (flat.value ? null : surveyOf(objective.value.value, window.value)));
    const goals = computed(() => (walk.minimum.value ? [walk.minimum.value] : []));

    return {
      fields, study: walk, player: playerOf(walk),
      Settings: () => (
        <>
          <FormulaBox field={fields.f} objective={objective.value} wrong={wrong.value} choose={([f, from, rate]) => {
            fields.start.now = from;
            fields.f.now = f;
            [fields.rate.now, fields.k.now, fields.zoom.now] = [rate, 0, 1];
          }} />
          <StartBoxes field={fields.start} names={objective.value.names} />
          <WalkSettings fields={fields} />
        </>
      ),
      Pictures: () => (
        <>
          <Picture
            title={flat.value ? "The curve and the walker" : "The landscape and the walker"} shape={0.78} weight="main"
            draw={(pen) => (land.value
              ? drawWalk(pen, land.value, walk, goals.value)
              : drawCurve(pen, objective.value, window.value, walk.steps.value, walk.at.value, minima.value, [shown(objective.value.names[0]!), "f"]))}
            onPointer={(kind, at, [width, height]) => {
              if (kind === "up") return;
              const [x, y] = frameOf(width, height, window.peek()).read(at).map((v) => Number(v.toPrecision(3)));
              fields.start.now = flat.peek() ? [x!] : [x!, y!];
            }}
            table={() => (flat.value ? curveTable(objective.value, window.value) : landTable(objective.value.value, window.value, objective.value.names))}
            caption={<>Click to choose the start. {flat.value
              ? <>Crosses mark minima: {minima.value.length === 0 ? "none" : minima.value.map((w) => short(w)).join(", ")} in this window.</>
              : <>Dark is low. The cross marks the minimum downhill of the start.</>} <Zoom field={fields.zoom} /></>}
          />
          <WalkCharts study={walk} loss="Value" shape={0.62} />
        </>
      ),
    };
  },
};

// The lowest minimum in reach of the start: all along a line, or downhill from around it.
function lowestNear(objective: Typed, start: Vec): number | null {
  const found = objective.names.length === 1
    ? minimaBetween(objective, start[0]! - 10, start[0]! + 10, 1000).map((w) => objective.value([w]))
    : spaced(-4, 4, 4).flatMap((dx) => spaced(-4, 4, 4).map((dy) => settle(objective, [start[0]! + dx, start[1]! + dy], 120)))
      .filter((w) => w !== null).map((w) => objective.value(w));
  const known = found.filter(Number.isFinite);
  return known.length ? Math.min(...known) : null;
}

function curveTable(objective: Typed, [low, high]: Window) {
  return {
    columns: [shown(objective.names[0]!), "f", "slope"],
    rows: spaced(low, high, 11).map((w) => [short(w), short(objective.value([w])), exact(objective.gradient([w])[0]!)]),
  };
}

function FormulaBox({ field, objective, wrong, choose }: {
  field: ReturnType<typeof text>;
  objective: Typed;
  wrong: string;
  choose: (example: (typeof EXAMPLES)[number]) => void;
}) {
  const id = useId();
  const chosen = EXAMPLES.findIndex(([f]) => f === field.now);
  return (
    <Group title="Formula">
      <label class="control">
        <span>Example</span>
        <select value={String(chosen)} onChange={(event) => choose(EXAMPLES[Number(event.currentTarget.value)]!)}>
          {chosen < 0 && <option value="-1">your own</option>}
          {EXAMPLES.map(([f], i) => <option key={f} value={String(i)}>{f}</option>)}
        </select>
      </label>
      <label class="control wide">
        <span>f =</span>
        <input
          type="text" class="formula" value={field.now} spellcheck={false} autocapitalize="off" autocomplete="off"
          aria-invalid={wrong !== ""} aria-describedby={id} onInput={(event) => (field.now = event.currentTarget.value)}
        />
      </label>
      <p id={id} class={wrong ? "wrong" : "note"} role={wrong ? "alert" : undefined}>
        {wrong || objective.names.map((name, i) => <span class="slope" key={name}>{objective.names.length === 1 ? "f′" : `∂f/∂${shown(name)}`} = {objective.slopes[i]}</span>)}
      </p>
    </Group>
  );
}
