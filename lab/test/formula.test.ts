import assert from "node:assert/strict";
import { test } from "node:test";
import { differentiate } from "../src/formula/differentiate.ts";
import { compile } from "../src/formula/evaluate.ts";
import { FormulaError, parse } from "../src/formula/parse.ts";
import { print } from "../src/formula/print.ts";
import { typed } from "../src/engine/typed.ts";

const at = (text: string, w: number) => compile(parse(text), ["w"])([w]);

test("signs bind as in mathematics", () => {
  assert.equal(at("-w^2", 3), -9);
  assert.equal(at("2^3^2", 0), 512);
  assert.equal(at("w^-1", 4), 0.25);
  assert.equal(at("2w + 3(w - 1)", 5), 22);
  assert.equal(at("8/2/2", 0), 2);
  assert.equal(at("7 - 2 - 1", 0), 4);
  assert.equal(at("2 sin(w) w", 1), 2 * Math.sin(1));
  assert.equal(at("max(w, 2)**2", 1), 4);
});

const FORMULAS = [
  "(w - 3)^2", "w^4 - 3w^2 + w", "exp(-w^2) / (1 + w^2)", "w*cos(w)", "sqrt(w^2 + 1)", "log(2 + sin(w))",
  "tanh(w) - abs(w - 9)", "2^w", "w^w", "(1 - w)/(w - 5)", "sinh(w)/cosh(w)", "tan(w/3)", "-w*-w", "atan(w)",
  "arcsin(w/9) + acos(w/9)", "(w − 1)² ÷ 2",
];

test("slopes are finite differences", () => {
  for (const text of FORMULAS) {
    const slope = compile(differentiate(parse(text), "w"), ["w"]);
    for (const w of [0.3, 1.1, 2.7]) {
      const h = 1e-6;
      const differences = (at(text, w + h) - at(text, w - h)) / (2 * h);
      assert.ok(Math.abs(slope([w]) - differences) < 1e-6 * (1 + Math.abs(differences)), `${text} at ${w}`);
    }
  }
});

test("printed text reads back to the same function", () => {
  for (const text of FORMULAS) {
    const back = print(parse(text)).replaceAll("√", "sqrt").replace(/\|(.*?)\|/g, "abs($1)");
    for (const w of [0.3, 1.1]) assert.ok(Math.abs(at(back, w) - at(text, w)) < 1e-12 * (1 + Math.abs(at(text, w))), `${text} → ${back}`);
  }
});

test("what is not a formula is refused with a sentence", () => {
  for (const text of ["", "2 +", "(w", "w)", "w = 3", "alert`1`", "w; w", "f'(w)", "sin w", "[].x", "w..2", "max(w)", "(".repeat(100) + "w", "w".repeat(400)]) {
    assert.throws(() => parse(text), (error) => error instanceof FormulaError && /[.;]$/.test(error.message), text);
  }
  assert.throws(() => typed("3 + 4"), /no weight/);
  assert.throws(() => typed("a + b + c"), /3 weights/);
  assert.throws(() => typed("floor(w)"), /no slope/);
});

test("a name of the language is only a name", () => {
  const objective = typed("constructor^2 + __proto__^2");
  assert.deepEqual(objective.names, ["constructor", "__proto__"]);
  assert.equal(objective.value([1, 2]), 5);
});

test("arithmetic shows the numbers", () => {
  assert.deepEqual(typed("(w - 3)^2").arithmetic([0]), ["f′(w) = 2·(w − 3) = 2·(0 − 3) = −6"]);
});
