// Learning rates over the steps, each written as its formula of the step k counted from 0:
// PyTorch's schedules, as in downslope/rates.

import { compile } from "../formula/evaluate.ts";
import { parse } from "../formula/parse.ts";

export interface Schedule {
  readonly name: string;
  readonly label: string;
  readonly settings: Readonly<Record<string, number>>;
  readonly text: string;
}

const list: Schedule[] = [
  { name: "constant", label: "constant", settings: {}, text: "η" },
  { name: "invscaling", label: "inverse scaling", settings: { power: 0.25 }, text: "η / (k + 1)^power" },
  { name: "step", label: "halved in steps", settings: { every: 25, factor: 0.5 }, text: "η*factor^floor(k / every)" },
  { name: "exponential", label: "exponential", settings: { factor: 0.98 }, text: "η*factor^k" },
  { name: "cosine", label: "cosine", settings: { steps: 100 }, text: "η*(1 + cos(pi*k / steps)) / 2" },
];

export const SCHEDULES: Record<string, Schedule> = Object.fromEntries(list.map((s) => [s.name, s]));

export type Rate = (k: number) => number;

/** The rate at each step, for a base rate and a schedule's name. */
export function makeRate(base: number, name = "constant", given: Record<string, number> = {}): Rate {
  const { settings, text } = SCHEDULES[name]!;
  const keys = Object.keys(settings);
  const run = compile(parse(text), ["k", "η", ...keys]);
  const values = keys.map((key) => given[key] ?? settings[key]!);
  return (k) => run([k, base, ...values]);
}
