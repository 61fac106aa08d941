// A picture of curves over the steps; a click shows the step there.

import type { ReadonlySignal } from "@preact/signals";
import { drawCurves, planOf, type Curves } from "../draw/curves.ts";
import { exact } from "../engine/numbers.ts";
import { Picture, type TableData } from "./picture.tsx";

export interface ChartProps {
  readonly title: string;
  readonly xName: string;
  readonly data: ReadonlySignal<Curves>;
  /** Where the walk stands along x. */
  readonly at: ReadonlySignal<number>;
  readonly go: (x: number) => void;
  readonly caption?: string;
  readonly shape?: number;
}

export function Chart({ title, xName, data, at, go, caption, shape = 0.5 }: ChartProps) {
  return (
    <Picture
      title={title} shape={shape} weight="small" caption={caption}
      draw={(pen) => drawCurves(pen, data.value, xName, "", at.value)}
      onPointer={(kind, place, [width, height]) => {
        if (kind === "up") return;
        go(Math.round(planOf(data.peek(), width, height).frame.read(place)[0]));
      }}
      table={() => tableOf(data.value, xName)}
    />
  );
}

const MOST = 25;

function tableOf({ x, list }: Curves, xName: string): TableData {
  const every = Math.max(1, Math.ceil(x.length / MOST));
  const chosen = x.filter((_, i) => i % every === 0 || i === x.length - 1);
  const reading = (curve: (typeof list)[number], place: number) => {
    const places = curve.x ?? x;
    const i = places.findLastIndex((at) => at <= place);
    return i in curve.values ? exact(curve.values[i]!) : "";
  };
  return {
    columns: [xName, ...list.map(({ name }) => name)],
    rows: chosen.map((place) => [place, ...list.map((curve) => reading(curve, place))]),
  };
}
