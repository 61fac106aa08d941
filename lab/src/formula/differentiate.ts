// The derivative of a tree is a tree, tidied as it is built, so that it can be shown as well as run.

import { FormulaError, type Node, type Op } from "./parse.ts";

export const number = (value: number): Node => ({ kind: "number", value });
const call = (name: string, ...of: Node[]): Node => ({ kind: "call", name, of });
const is = (node: Node, value: number) => node.kind === "number" && node.value === value;

function fold(op: Op, a: number, b: number): number {
  switch (op) {
    case "+": return a + b;
    case "-": return a - b;
    case "*": return a * b;
    case "/": return a / b;
    case "^": return Math.pow(a, b);
  }
}

/** `left op right`, with zeros, ones and plain numbers folded away. */
export function join(op: Op, left: Node, right: Node): Node {
  if (left.kind === "number" && right.kind === "number" && !(op === "/" && right.value === 0)) {
    return number(fold(op, left.value, right.value));
  }
  if (op === "+") {
    if (is(left, 0)) return right;
    if (is(right, 0)) return left;
    if (right.kind === "minus") return join("-", left, right.of);
  }
  if (op === "-") {
    if (is(right, 0)) return left;
    if (is(left, 0)) return minus(right);
    if (right.kind === "minus") return join("+", left, right.of);
  }
  if (op === "*") {
    if (is(left, 0) || is(right, 0)) return number(0);
    if (is(left, 1)) return right;
    if (is(right, 1)) return left;
    if (right.kind === "number") return join("*", right, left);
    if (left.kind === "minus") return minus(join("*", left.of, right));
    if (right.kind === "minus") return minus(join("*", left, right.of));
    if (left.kind === "number" && right.kind === "binary" && right.op === "*" && right.left.kind === "number") {
      return join("*", number(left.value * right.left.value), right.right);
    }
  }
  if (op === "/" && is(right, 1)) return left;
  if (op === "/" && is(left, 0)) return number(0);
  if (op === "^" && is(right, 1)) return left;
  if (op === "^" && is(right, 0)) return number(1);
  return { kind: "binary", op, left, right };
}

export function minus(of: Node): Node {
  if (of.kind === "number") return number(-of.value);
  if (of.kind === "minus") return of.of;
  return { kind: "minus", of };
}

// Outer derivatives, as functions of the inner tree.
const OUTER: Record<string, (x: Node) => Node> = {
  sin: (x) => call("cos", x),
  cos: (x) => minus(call("sin", x)),
  tan: (x) => join("+", number(1), join("^", call("tan", x), number(2))),
  asin: (x) => join("/", number(1), call("sqrt", join("-", number(1), join("^", x, number(2))))),
  acos: (x) => join("/", number(-1), call("sqrt", join("-", number(1), join("^", x, number(2))))),
  atan: (x) => join("/", number(1), join("+", number(1), join("^", x, number(2)))),
  exp: (x) => call("exp", x),
  log: (x) => join("/", number(1), x),
  sqrt: (x) => join("/", number(0.5), call("sqrt", x)),
  abs: (x) => call("sign", x),
  tanh: (x) => join("-", number(1), join("^", call("tanh", x), number(2))),
  sinh: (x) => call("cosh", x),
  cosh: (x) => call("sinh", x),
  sign: () => number(0),
};

/** Derivative of a tree by one name. */
export function differentiate(tree: Node, by: string): Node {
  const d = (node: Node) => differentiate(node, by);
  switch (tree.kind) {
    case "number": return number(0);
    case "name": return number(tree.name === by ? 1 : 0);
    case "minus": return minus(d(tree.of));
    case "call": {
      const outer = OUTER[tree.name];
      if (!outer) throw new FormulaError(`${tree.name} has no slope to follow; write the formula without it.`);
      const inner = d(tree.of[0]!);
      return is(inner, 0) ? number(0) : join("*", inner, outer(tree.of[0]!));
    }
    case "binary": {
      const { op, left, right } = tree;
      switch (op) {
        case "+":
        case "-": return join(op, d(left), d(right));
        case "*": return join("+", join("*", d(left), right), join("*", left, d(right)));
        case "/": return quotient(left, right, d);
        case "^": return powerRule(left, right, d);
      }
    }
  }
}

function quotient(top: Node, bottom: Node, d: (node: Node) => Node): Node {
  const below = d(bottom);
  if (is(below, 0)) return join("/", d(top), bottom);
  const above = join("-", join("*", d(top), bottom), join("*", top, below));
  return join("/", above, join("^", bottom, number(2)));
}

function powerRule(base: Node, exponent: Node, d: (node: Node) => Node): Node {
  const inner = d(base);
  const rise = d(exponent);
  const byBase = is(inner, 0)
    ? number(0)
    : join("*", join("*", exponent, join("^", base, join("-", exponent, number(1)))), inner);
  if (is(rise, 0)) return byBase;
  const whole = join("^", base, exponent);
  return join("+", byBase, join("*", join("*", whole, call("log", base)), rise));
}
