// The page's engine repeats the walks of the Python engine, to 1e-12 relative.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { curvatureAt, rescaledLimit, stableLimit } from "../src/engine/curvature.ts";
import { walk, type Step } from "../src/engine/descend.ts";
import { LOSSES } from "../src/engine/losses.ts";
import { makeRate } from "../src/engine/rates.ts";
import { overRows } from "../src/engine/rows.ts";
import { makeRule } from "../src/engine/rules.ts";
import { typed } from "../src/engine/typed.ts";

interface Case {
  kind: "rows" | "formula";
  text: string;
  columns: number[][];
  y: number[];
  loss: string;
  rule: string;
  eta: number;
  schedule?: string;
  start: number[];
  batches?: number[][];
  limit?: number | null;
  steps: { w: number[]; value: number; gradient: number[]; direction: number[]; rate: number }[];
}

const golden: Record<string, Case> = JSON.parse(readFileSync(join(import.meta.dirname, "golden.json"), "utf8"));

function again(given: Case): Step[] {
  const objective = given.kind === "formula"
    ? typed(given.text)
    : overRows(given.columns, given.y, LOSSES[given.loss]!, given.columns.map((_, j) => `x${j + 1}`));
  const { batches, start } = given;
  const setting = { objective, rule: makeRule(given.rule), rate: makeRate(given.eta, given.schedule), start };
  return walk(batches ? { ...setting, batches: () => batches.values() } : setting, given.steps.length - 1);
}

// Relative to the size of the whole vector: a coordinate that happens to be near zero has the
// rounding of the sums it came from.
function close(actual: readonly number[], expected: readonly number[], what: string): void {
  const size = Math.max(...expected.map(Math.abs), 1e-3);
  expected.forEach((x, i) => assert.ok(Math.abs(actual[i]! - x) <= 1e-12 * size, `${what}: ${actual[i]} against ${x}`));
}

for (const [name, given] of Object.entries(golden)) {
  test(`the page walks as Python does: ${name}`, () => {
    const steps = again(given);
    assert.equal(steps.length, given.steps.length);
    given.steps.forEach((expected, k) => {
      const step = steps[k]!;
      close(step.w, expected.w, `w at step ${k}`);
      close(step.gradient, expected.gradient, `gradient at step ${k}`);
      close(step.direction, expected.direction, `direction at step ${k}`);
      close([step.rate], [expected.rate], `rate at step ${k}`);
      // A batch's value is Python's; the page shows the value over all rows.
      if (!given.batches) close([step.value], [expected.value], `value at step ${k}`);
    });
  });
}

for (const [name, given] of Object.entries(golden).filter(([, { kind }]) => kind === "formula")) {
  test(`the stable limit is Python's: ${name}`, () => {
    const objective = typed(given.text);
    const rule = makeRule(given.rule);
    const { w, after, k } = again(given).at(-1)!;
    const limit = rule.divisor === null ? stableLimit(rule, curvatureAt(objective, w, "here")) : rescaledLimit(rule, objective, w, after, k);
    if (given.limit === null) assert.equal(limit, null);
    else assert.ok(Math.abs(limit! / given.limit! - 1) < 1e-9, `${limit} against ${given.limit}`);
  });
}
