// A typed formula as an objective: value, exact gradient and exact curvature by differentiation.

import { differentiate } from "../formula/differentiate.ts";
import { compile } from "../formula/evaluate.ts";
import { FormulaError, names, parse, type Node } from "../formula/parse.ts";
import { print } from "../formula/print.ts";
import { full } from "./numbers.ts";
import type { Objective } from "./objective.ts";

const SUBSCRIPT = "₀₁₂₃₄₅₆₇₈₉";

/** A weight's name as it is shown: w1 becomes w₁. */
export const shown = (name: string): string =>
  name.replace(/\d+$/, (digits) => [...digits].map((digit) => SUBSCRIPT[Number(digit)]).join(""));

export interface Typed extends Objective {
  readonly tree: Node;
  /** The slopes as text, one for each weight. */
  readonly slopes: readonly string[];
}

/** The objective that a formula of one or two weights describes. */
export function typed(text: string): Typed {
  const tree = parse(text);
  const weights = names(tree);
  if (weights.length === 0) throw new FormulaError("The formula has no weight in it; use a name such as w.");
  if (weights.length > 2) {
    throw new FormulaError(`The formula has ${weights.length} weights (${weights.join(", ")}); one or two can be drawn.`);
  }
  const slopes = weights.map((name) => differentiate(tree, name));
  const bends = slopes.map((slope) => weights.map((name) => differentiate(slope, name)));
  const value = compile(tree, weights);
  const runSlopes = slopes.map((slope) => compile(slope, weights));
  const runBends = bends.map((row) => row.map((bend) => compile(bend, weights)));
  const slopeTexts = slopes.map((slope) => print(slope, shown));
  return {
    tree,
    slopes: slopeTexts,
    names: weights,
    rows: 1,
    quadratic: bends.every((row) => row.every((bend) => names(bend).length === 0)),
    convention: `f(${weights.map(shown).join(", ")}) = ${print(tree, shown)}: the formula as typed, no factor added`,
    value,
    gradient: (w) => runSlopes.map((slope) => slope(w)),
    hessian: (w) => runBends.map((row) => row.map((bend) => bend(w))),
    arithmetic: (w) =>
      slopes.map((slope, i) => {
        const numbers = print(slope, (name) => full(w[weights.indexOf(name)]!));
        const left = weights.length === 1 ? `f′(${shown(weights[0]!)})` : `∂f/∂${shown(weights[i]!)}`;
        const middle = names(slope).length ? ` = ${numbers}` : "";
        return `${left} = ${slopeTexts[i]}${middle} = ${full(runSlopes[i]!(w))}`;
      }),
  };
}
