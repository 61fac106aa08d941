// Named surfaces, each a formula: what can be chosen can also be typed.

export interface Surface {
  readonly name: string;
  readonly label: string;
  readonly text: string;
  /** What it teaches, in a sentence. */
  readonly lesson: string;
  /** Left, right, bottom and top of the picture. */
  readonly window: readonly [number, number, number, number];
  readonly start: readonly [number, number];
  readonly rate: number;
}

const list: Surface[] = [
  {
    name: "bowl", label: "round bowl", text: "x^2 + y^2",
    lesson: "Equal curvature in every direction: the gradient points straight at the minimum.",
    window: [-4, 4, -4, 4], start: [-3, 2], rate: 0.1,
  },
  {
    name: "valley", label: "long narrow valley", text: "0.5*x^2 + 10*y^2",
    lesson: "Twenty times steeper across than along: the steep side limits the rate, the flat one sets the time.",
    window: [-10, 10, -4, 4], start: [-8, 2.5], rate: 0.085,
  },
  {
    name: "bumpy", label: "bumpy", text: "0.1*(x^2 + y^2) + 1 - cos(2x)*cos(2y)",
    lesson: "Many minima: where a walk ends depends on where it starts.",
    window: [-5, 5, -5, 5], start: [-3.6, 2.7], rate: 0.1,
  },
  {
    name: "saddle", label: "saddle", text: "0.5*x^2 - 0.5*y^2 + 0.05*y^4",
    lesson: "The gradient vanishes at the origin, which is no minimum: a walk lingers there, then leaves.",
    window: [-4, 4, -4, 4], start: [-3, 0.001], rate: 0.1,
  },
  {
    name: "plateau", label: "plateau", text: "1 - exp(-0.3*(x^2 + y^2))",
    lesson: "Far from the minimum the slope is almost nothing, and so is each step.",
    window: [-6, 6, -6, 6], start: [-3, 2.2], rate: 1,
  },
  {
    name: "rosenbrock", label: "Rosenbrock", text: "(1 - x)^2 + 100*(y - x^2)^2",
    lesson: "A curved valley with a nearly flat floor: finding it is quick, following it is slow.",
    window: [-2, 2, -1, 3], start: [-1.2, 1], rate: 0.001,
  },
  {
    name: "himmelblau", label: "Himmelblau", text: "(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
    lesson: "Four minima of the same depth, each with its own basin.",
    window: [-6, 6, -6, 6], start: [0, 0], rate: 0.01,
  },
];

export const SURFACES: Record<string, Surface> = Object.fromEntries(list.map((s) => [s.name, s]));
