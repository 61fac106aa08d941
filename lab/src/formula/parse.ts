// A typed formula becomes a tree. The grammar is small and closed: numbers, names, + - * / ^,
// brackets and a fixed list of functions; nothing that is typed is ever run as code.

export type Node =
  | { kind: "number"; value: number }
  | { kind: "name"; name: string }
  | { kind: "minus"; of: Node }
  | { kind: "binary"; op: Op; left: Node; right: Node }
  | { kind: "call"; name: string; of: Node[] };

export type Op = "+" | "-" | "*" | "/" | "^";

export class FormulaError extends Error {}

const CONSTANTS: Record<string, number> = { pi: Math.PI, e: Math.E };
export const FUNCTIONS: Record<string, number> = {
  sin: 1, cos: 1, tan: 1, asin: 1, acos: 1, atan: 1, sinh: 1, cosh: 1, tanh: 1,
  exp: 1, log: 1, sqrt: 1, abs: 1, sign: 1, floor: 1, max: 2,
};
const SYNONYMS: Record<string, string> = { ln: "log", arcsin: "asin", arccos: "acos", arctan: "atan", π: "pi" };
const SIGNS: Record<string, string> = { "−": "-", "·": "*", "⋅": "*", "×": "*", "÷": "/" };
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const LONGEST = 300;
const DEEPEST = 60;

type Token = { kind: "number" | "name" | "sign"; text: string; at: number };

const TOKEN = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([\p{L}_][\p{L}\w]*)|(\*\*|[-+*/^(),]))/uy;

function tokens(text: string): Token[] {
  const plain = text.trimEnd()
    .replace(/[−·⋅×÷]/g, (sign) => SIGNS[sign]!)
    .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g, (raised) => `^${[...raised].map((c) => SUPERSCRIPTS.indexOf(c)).join("")}`);
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < plain.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(plain);
    if (!match) {
      const odd = plain.slice(at).trim()[0];
      throw new FormulaError(`"${odd}" cannot stand in a formula; use numbers, names, + - * / ^ and brackets.`);
    }
    const [, number, name, sign] = match;
    if (number !== undefined) found.push({ kind: "number", text: number, at });
    else if (name !== undefined) found.push({ kind: "name", text: name, at });
    else found.push({ kind: "sign", text: sign === "**" ? "^" : sign!, at });
  }
  return found;
}

// How tightly each sign binds. A minus in front binds looser than ^ and tighter than *: -w^2 is -(w^2).
const POWER: Record<string, number> = { "+": 1, "-": 1, "*": 2, "/": 2, "^": 4 };
const MINUS = 3;

/** The tree of a formula; `2w` and `3(w - 1)` mean multiplication. */
export function parse(text: string): Node {
  if (text.length > LONGEST) {
    throw new FormulaError(`The formula has ${text.length} characters; keep it under ${LONGEST}.`);
  }
  const list = tokens(text);
  let next = 0;
  const sign = (text: string) => list[next]?.kind === "sign" && list[next]!.text === text;

  function expect(text: string): void {
    if (!sign(text)) {
      const seen = list[next] ? `"${list[next]!.text}"` : "the end";
      throw new FormulaError(`A "${text}" is missing before ${seen}.`);
    }
    next += 1;
  }

  function first(depth: number): Node {
    const token = list[next];
    if (!token) throw new FormulaError("The formula stops too early: a number or a name is missing.");
    next += 1;
    if (token.kind === "number") return { kind: "number", value: Number(token.text) };
    if (token.kind === "name") return named(token.text, depth);
    if (token.text === "-") return { kind: "minus", of: expression(MINUS, depth + 1) };
    if (token.text === "+") return expression(MINUS, depth + 1);
    if (token.text === "(") {
      const inside = expression(0, depth + 1);
      expect(")");
      return inside;
    }
    throw new FormulaError(`"${token.text}" stands where a number or a name should.`);
  }

  function named(word: string, depth: number): Node {
    const name = Object.hasOwn(SYNONYMS, word) ? SYNONYMS[word]! : word;
    if (Object.hasOwn(CONSTANTS, name)) return { kind: "number", value: CONSTANTS[name]! };
    if (!Object.hasOwn(FUNCTIONS, name)) return { kind: "name", name };
    expect("(");
    const of = [expression(0, depth + 1)];
    while (of.length < FUNCTIONS[name]!) {
      expect(",");
      of.push(expression(0, depth + 1));
    }
    expect(")");
    return { kind: "call", name, of };
  }

  function expression(loosest: number, depth: number): Node {
    if (depth > DEEPEST) throw new FormulaError(`The formula is nested more than ${DEEPEST} deep.`);
    let left = first(depth);
    while (next < list.length) {
      const token = list[next]!;
      const juxtaposed = token.kind !== "sign" || token.text === "(";
      const op = juxtaposed ? "*" : token.text;
      const power = POWER[op];
      if (power === undefined || power <= loosest) break;
      if (!juxtaposed) next += 1;
      // ^ binds to the right: 2^3^2 is 2^(3^2). A minus may follow it: w^-1.
      const right = expression(op === "^" ? power - 1 : power, depth + 1);
      left = { kind: "binary", op: op as Op, left, right };
    }
    return left;
  }

  const tree = expression(0, 0);
  if (next < list.length) throw new FormulaError(`"${list[next]!.text}" is not expected there.`);
  return tree;
}

/** Names that appear in a tree, in order of first appearance. */
export function names(tree: Node): string[] {
  const seen = new Set<string>();
  const visit = (node: Node): void => {
    if (node.kind === "name") seen.add(node.name);
    else if (node.kind === "minus") visit(node.of);
    else if (node.kind === "binary") [node.left, node.right].forEach(visit);
    else if (node.kind === "call") node.of.forEach(visit);
  };
  visit(tree);
  return [...seen];
}
