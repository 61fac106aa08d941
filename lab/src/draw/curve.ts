// A function of one weight, with the walker on it and the slope under its feet.

import type { Step } from "../engine/descend.ts";
import type { Objective } from "../engine/objective.ts";
import { spaced } from "../engine/vector.ts";
import { axes, frameOf, reachable, type Window } from "./frame.ts";
import { mark } from "./marks.ts";
import type { Pen, Point } from "./pen.ts";

/** Window that shows a function of one weight between two ends. */
export function curveWindow(objective: Objective, low: number, high: number): Window {
  const heights = spaced(low, high, 200).map((w) => objective.value([w])).filter(Number.isFinite).sort((a, b) => a - b);
  const [bottom, top] = [heights[0] ?? 0, heights[Math.floor(0.98 * (heights.length - 1))] ?? 1];
  const room = (top - bottom || 1) * 0.1;
  return [low, high, bottom - room, top + room];
}

export function drawCurve(pen: Pen, objective: Objective, window: Window, steps: readonly Step[], k: number, minima: readonly number[], names: readonly [string, string]): void {
  const frame = frameOf(pen.width, pen.height, window);
  const { ink } = pen;
  axes(pen, frame, names[0], names[1], { grid: true });
  const place = (w: number): Point => reachable(frame.place(w, objective.value([w])));
  pen.inside(frame.box, () => {
    pen.line(spaced(window[0], window[1], 400).map(place), ink.model, 2.5);
    for (const w of minima) mark(pen, place(w), "cross", 5.5, ink.goal);
    const walked = steps.slice(0, k + 1).map((step) => reachable(frame.place(step.w[0]!, step.value)));
    pen.line(walked, ink.walker, 1.4, [4, 3]);
    walked.forEach((at) => pen.dot(at, 3, ink.walker));
    const here = steps[k]!;
    const [w, slope] = [here.w[0]!, objective.gradient(here.w)[0]!];
    const reach = (window[1] - window[0]) * 0.12;
    const tangent = [-reach, reach].map((d) => reachable(frame.place(w + d, here.value + slope * d)));
    pen.line(tangent, ink.walker, 2);
    pen.dot(walked[0]!, 5, ink.paper, ink.walker);
    mark(pen, walked.at(-1)!, "circle", 7.5, ink.walker);
  });
}
