// A tree becomes a function of its names. Closures only: the page's security policy forbids eval,
// and a closure tree is quick enough for a landscape of 96 x 96 points.

import { FormulaError, type Node } from "./parse.ts";

export type Evaluate = (at: readonly number[]) => number;

const CALLS: Record<string, (a: number, b: number) => number> = {
  sin: Math.sin, cos: Math.cos, tan: Math.tan, asin: Math.asin, acos: Math.acos,
  atan: Math.atan, exp: Math.exp, log: Math.log, sqrt: Math.sqrt,
  abs: Math.abs, tanh: Math.tanh, sinh: Math.sinh, cosh: Math.cosh, sign: Math.sign,
  floor: Math.floor, max: Math.max,
};

/** The function that a tree describes, of the given names in that order. */
export function compile(tree: Node, order: readonly string[]): Evaluate {
  switch (tree.kind) {
    case "number": {
      const { value } = tree;
      return () => value;
    }
    case "name": {
      const index = order.indexOf(tree.name);
      if (index < 0) throw new FormulaError(`"${tree.name}" has no value here.`);
      return (at) => at[index]!;
    }
    case "minus": {
      const of = compile(tree.of, order);
      return (at) => -of(at);
    }
    case "call": {
      const call = CALLS[tree.name]!;
      const a = compile(tree.of[0]!, order);
      if (tree.of.length === 1) return (at) => call(a(at), 0);
      const b = compile(tree.of[1]!, order);
      return (at) => call(a(at), b(at));
    }
    case "binary": {
      const a = compile(tree.left, order);
      const b = compile(tree.right, order);
      switch (tree.op) {
        case "+": return (at) => a(at) + b(at);
        case "-": return (at) => a(at) - b(at);
        case "*": return (at) => a(at) * b(at);
        case "/": return (at) => a(at) / b(at);
        case "^": return power(a, b, tree.right);
      }
    }
  }
}

function power(a: Evaluate, b: Evaluate, exponent: Node): Evaluate {
  // Whole small powers as products: Math.pow differs between engines in the last digit.
  if (exponent.kind === "number" && exponent.value === 2) return (at) => { const x = a(at); return x * x; };
  if (exponent.kind === "number" && exponent.value === 3) return (at) => { const x = a(at); return x * x * x; };
  return (at) => Math.pow(a(at), b(at));
}
