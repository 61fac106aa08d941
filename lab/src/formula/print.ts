// A tree becomes text again, with names kept or with their values put in.

import type { Node } from "./parse.ts";

export type Word = (name: string) => string;

const TIGHT: Record<string, number> = { "+": 1, "-": 1, "*": 2, "/": 2, "^": 4 };
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Text of a tree; `word` says how each name is written (the name itself, or its value). */
export function print(tree: Node, word: Word = (name) => name): string {
  const inner = (node: Node, around: number) => {
    const text = print(node, word);
    return tightness(node, text) < around ? `(${text})` : text;
  };
  switch (tree.kind) {
    case "number": return constant(tree.value);
    case "name": return word(tree.name);
    case "minus": return `−${inner(tree.of, 3)}`;
    case "call": {
      const of = tree.of.map((node) => print(node, word)).join(", ");
      if (tree.name === "sqrt") return `√(${of})`;
      if (tree.name === "abs") return `|${of}|`;
      return `${tree.name}(${of})`;
    }
    case "binary": {
      const { op, left, right } = tree;
      const tight = TIGHT[op]!;
      if (op === "^") return raise(inner(left, tight + 1), right, word);
      const gap = op === "*" || op === "/" ? (op === "*" ? "·" : " / ") : ` ${op === "-" ? "−" : op} `;
      // On the right even equal tightness needs brackets after a minus or a division.
      const after = op === "-" || op === "/" ? tight + 1 : tight;
      const second = inner(right, after);
      return `${inner(left, tight)}${gap}${/^[−-]/.test(second) ? `(${second})` : second}`;
    }
  }
}

function tightness(node: Node, text: string): number {
  if (/^[−-]/.test(text)) return 0;
  return node.kind === "binary" ? TIGHT[node.op]! : 9;
}

function raise(base: string, exponent: Node, word: Word): string {
  if (exponent.kind === "number" && Number.isInteger(exponent.value) && exponent.value >= 0) {
    return base + [...String(exponent.value)].map((digit) => RAISED[Number(digit)]).join("");
  }
  const text = print(exponent, word);
  return `${base}^${/^[\w.]+$/.test(text) ? text : `(${text})`}`;
}

function constant(value: number): string {
  if (value === Math.PI) return "π";
  if (value === Math.E) return "e";
  return String(value).replace("-", "−");
}
