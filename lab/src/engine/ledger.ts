// One step as arithmetic: the gradient, the rule's formulas and the update, with numbers put in.

import { print } from "../formula/print.ts";
import type { Step } from "./descend.ts";
import { full } from "./numbers.ts";
import type { Objective } from "./objective.ts";
import { slots, type Rule } from "./rules.ts";
import { compile } from "../formula/evaluate.ts";
import { shown } from "./typed.ts";

export interface Sum {
  /** Whose weight it is about. */
  readonly weight: string;
  readonly lines: readonly string[];
}

/** The arithmetic of one step, weight by weight. */
export function arithmetic(step: Step, objective: Objective, rule: Rule): Sum[] {
  const slopes = objective.arithmetic(step.w, step.rows);
  return objective.names.map((name, i) => ({
    weight: shown(name),
    lines: [`g = ${slopes[i]}`, ...ruleLines(step, rule, i), update(step, rule, name, i)],
  }));
}

// The rule's own formulas, run once more with each intermediate value kept for the page.
function ruleLines(step: Step, rule: Rule, i: number): string[] {
  if (rule.name === "plain") return [];
  const order = slots(rule);
  const room = order.map((name) => rule.settings[name] ?? 0);
  const put = (name: string, value: number) => (room[order.indexOf(name)] = value);
  Object.keys(rule.memory).forEach((name, slot) => put(name, step.before[i]![slot]!));
  put("g", step.gradient[i]!);
  put("w", step.w[i]!);
  put("t", step.k + 1);
  return rule.lines.map(({ target, tree }) => {
    const symbols = print(tree, shown);
    const numbers = print(tree, (name) => full(room[order.indexOf(name)]!));
    const result = put(target, compile(tree, order)(room));
    return `${shown(target)} = ${symbols} = ${numbers} = ${full(result)}`;
  });
}

function update(step: Step, rule: Rule, name: string, i: number): string {
  const symbol = rule.name === "plain" ? "g" : "d";
  const [w, d] = [step.w[i]!, step.direction[i]!];
  const next = w - step.rate * d;
  const way = full(d).startsWith("−") ? `(${full(d)})` : full(d);
  return `${shown(name)} ← ${shown(name)} − η·${symbol} = ${full(w)} − ${full(step.rate)}·${way} = ${full(next)}`;
}

/** Names of what a rule remembers, weight by weight, for the ledger's columns. */
export function memoryNames(rule: Rule, weights: readonly string[]): string[] {
  return weights.flatMap((weight) => Object.keys(rule.memory).map((name) => `${shown(name)} of ${shown(weight)}`));
}

