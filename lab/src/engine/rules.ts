// Update rules, each written as its formulas. The same text is run and shown in the ledger, so what
// is shown is what is done. The rules are PyTorch's, as in downslope/rules: g is the gradient,
// w the weight, t the number of the step counted from 1, d the direction; then w ← w − η·d.

import { compile, type Evaluate } from "../formula/evaluate.ts";
import { parse, type Node } from "../formula/parse.ts";
import type { Vec } from "./vector.ts";

export interface Line {
  readonly target: string;
  readonly tree: Node;
}

export interface Rule {
  readonly name: string;
  readonly label: string;
  readonly settings: Readonly<Record<string, number>>;
  /** Names of what is remembered from step to step, and what each starts from. */
  readonly memory: Readonly<Record<string, number>>;
  readonly lines: readonly Line[];
  /** Largest rate times curvature that does not diverge on a quadratic; null: no bound is known. */
  readonly stableProduct: number | null;
  /** What each coordinate's gradient is divided by; null for rules that treat all alike. */
  readonly divisor: string | null;
}

interface Recipe {
  label: string;
  settings: Record<string, number>;
  memory: Record<string, number>;
  lines: string[];
  stable: (settings: Record<string, number>) => number | null;
  divisor?: string;
}

const adamLines = ["m = m + (1 - β1)*(g - m)", "s = β2*s + (1 - β2)*g*g"];
const adamRoot = "sqrt(s) / sqrt(1 - β2^t) + ε";
const adamStable = ({ β1 }: Record<string, number>) => (2 * (1 + β1!)) / (1 - β1!);

const RECIPES: Record<string, Recipe> = {
  plain: { label: "plain", settings: {}, memory: {}, lines: ["d = g"], stable: () => 2 },
  momentum: {
    label: "momentum",
    settings: { β: 0.9 },
    memory: { v: 0 },
    lines: ["v = β*v + g", "d = v"],
    stable: ({ β }) => 2 * (1 + β!),
  },
  nesterov: {
    label: "Nesterov",
    settings: { β: 0.9 },
    memory: { v: 0 },
    lines: ["v = β*v + g", "d = g + β*v"],
    stable: ({ β }) => (2 * (1 + β!)) / (1 + 2 * β!),
  },
  adagrad: {
    label: "AdaGrad",
    settings: { ε: 1e-10 },
    memory: { s: 0 },
    lines: ["s = s + g*g", "d = g / (sqrt(s) + ε)"],
    stable: () => 2,
    divisor: "sqrt(s) + ε",
  },
  adadelta: {
    label: "AdaDelta",
    settings: { ρ: 0.9, ε: 1e-6 },
    memory: { s: 0, u: 0 },
    lines: ["s = ρ*s + (1 - ρ)*g*g", "d = g*sqrt(u + ε) / sqrt(s + ε)", "u = ρ*u + (1 - ρ)*d*d"],
    stable: () => null,
  },
  rmsprop: {
    label: "RMSProp",
    settings: { α: 0.99, ε: 1e-8 },
    memory: { s: 0 },
    lines: ["s = α*s + (1 - α)*g*g", "d = g / (sqrt(s) + ε)"],
    stable: () => 2,
    divisor: "sqrt(s) + ε",
  },
  adam: {
    label: "Adam",
    settings: { β1: 0.9, β2: 0.999, ε: 1e-8 },
    memory: { m: 0, s: 0 },
    lines: [...adamLines, `d = m / (1 - β1^t) / (${adamRoot})`],
    stable: adamStable,
    divisor: adamRoot,
  },
  amsgrad: {
    label: "AMSGrad",
    settings: { β1: 0.9, β2: 0.999, ε: 1e-8 },
    memory: { m: 0, s: 0, S: 0 },
    lines: [...adamLines, "S = max(S, s)", `d = m / (1 - β1^t) / (${adamRoot.replace("(s)", "(S)")})`],
    stable: adamStable,
    divisor: adamRoot.replace("(s)", "(S)"),
  },
  nadam: {
    label: "NAdam",
    settings: { β1: 0.9, β2: 0.999, ε: 1e-8, ψ: 0.004 },
    memory: { m: 0, s: 0, P: 1 },
    lines: [
      "a = β1*(1 - 0.5*0.96^(t*ψ))",
      "b = β1*(1 - 0.5*0.96^((t + 1)*ψ))",
      "P = P*a",
      ...adamLines,
      "d = ((1 - a)/(1 - P)*g + b/(1 - P*b)*m) / (sqrt(s/(1 - β2^t)) + ε)",
    ],
    stable: () => null,
  },
  adamw: {
    label: "AdamW",
    settings: { β1: 0.9, β2: 0.999, ε: 1e-8, λ: 0.01 },
    memory: { m: 0, s: 0 },
    lines: [...adamLines, `d = m / (1 - β1^t) / (${adamRoot}) + λ*w`],
    stable: adamStable,
    divisor: adamRoot,
  },
};

export const RULE_NAMES: readonly string[] = Object.keys(RECIPES);
export const ruleLabel = (name: string): string => RECIPES[name]!.label;
export const ruleSettings = (name: string): Readonly<Record<string, number>> => RECIPES[name]!.settings;

/** The rule of that name, with settings other than its own defaults where given. */
export function makeRule(name: string, given: Record<string, number> = {}): Rule {
  const recipe = RECIPES[name]!;
  const settings: Record<string, number> = { ...recipe.settings };
  for (const key of Object.keys(settings)) settings[key] = given[key] ?? settings[key]!;
  const lines = recipe.lines.map((text) => {
    const [target, right] = text.split(" = ") as [string, string];
    return { target, tree: parse(right) };
  });
  return {
    name,
    label: recipe.label,
    settings,
    memory: recipe.memory,
    lines,
    stableProduct: recipe.stable(settings),
    divisor: recipe.divisor ?? null,
  };
}

/** Memory of a rule: one row of remembered values for each weight. */
export type Memory = readonly Vec[];

export interface Motor {
  init(size: number): Memory;
  /** Direction of step k (from 0) and the memory after it. */
  direction(gradient: Vec, w: Vec, memory: Memory, k: number): [number[], Memory];
  /** What each gradient was divided by, given the memory after a step; null where nothing is. */
  divisors(memory: Memory, k: number): number[] | null;
}

// Where each name lives while a coordinate's formulas run, so that lookups are array reads.
export function slots(rule: Rule): string[] {
  const targets = rule.lines.map((line) => line.target);
  return [...new Set([...Object.keys(rule.memory), ...Object.keys(rule.settings), "g", "w", "t", ...targets])];
}

/** A rule made ready to run. */
export function motor(rule: Rule): Motor {
  const order = slots(rule);
  const at = (name: string) => order.indexOf(name);
  const remembered = Object.keys(rule.memory);
  const program: [number, Evaluate][] = rule.lines.map(({ target, tree }) => [at(target), compile(tree, order)]);
  const divide = rule.divisor === null ? null : compile(parse(rule.divisor), order);
  const room = order.map((name) => rule.settings[name] ?? 0);
  const [g, w, t, d] = [at("g"), at("w"), at("t"), at("d")];

  function load(memory: Vec, k: number): void {
    for (let i = 0; i < remembered.length; i++) room[i] = memory[i]!;
    room[t] = k + 1;
  }

  return {
    init: (size) => Array.from({ length: size }, () => remembered.map((name) => rule.memory[name]!)),
    direction(gradient, weights, memory, k) {
      const directions: number[] = [];
      const after = memory.map((row, i) => {
        load(row, k);
        room[g] = gradient[i]!;
        room[w] = weights[i]!;
        for (const [slot, evaluate] of program) room[slot] = evaluate(room);
        directions.push(room[d]!);
        return room.slice(0, remembered.length);
      });
      return [directions, after];
    },
    divisors(memory, k) {
      if (!divide) return null;
      return memory.map((row) => {
        load(row, k);
        return divide(room);
      });
    },
  };
}
