import assert from "node:assert/strict";
import { test } from "node:test";
import { curvatureAt, eigen, rescaledLimit, stableLimit } from "../src/engine/curvature.ts";
import { walk, walkFor } from "../src/engine/descend.ts";
import { arithmetic } from "../src/engine/ledger.ts";
import { LOSSES } from "../src/engine/losses.ts";
import { minimaBetween, settle } from "../src/engine/minimum.ts";
import { covariance, floorOf, measuredFloor } from "../src/engine/noise.ts";
import { exact, full, short } from "../src/engine/numbers.ts";
import { planeOf } from "../src/engine/plane.ts";
import { drawn, shuffled } from "../src/engine/random.ts";
import { makeRate } from "../src/engine/rates.ts";
import { byFormula, byTrials, kindAt } from "../src/engine/regions.ts";
import { overRows } from "../src/engine/rows.ts";
import { makeRule, RULE_NAMES } from "../src/engine/rules.ts";
import { SURFACES } from "../src/engine/surfaces.ts";
import { tilted, tilts } from "../src/engine/tilted.ts";
import { typed } from "../src/engine/typed.ts";
import { dot, mean, norm, type Vec } from "../src/engine/vector.ts";

const X: Vec = [0.5, 1, 1.5, 2.25, 3, -1, 0.25];
const Y: Vec = [1.25, 1.75, 3.5, 4, 6.5, -1.5, 0.75];
const SIGNS: Vec = [-1, 1, 1, -1, 1, -1, -1];
const near = (a: number, b: number, tolerance: number, what = "") =>
  assert.ok(Math.abs(a - b) <= tolerance * (1 + Math.abs(b)), `${what} ${a} against ${b}`);

test("gradients and curvatures of every loss are finite differences", () => {
  for (const loss of Object.values(LOSSES)) {
    const objective = overRows([X], loss.binary ? SIGNS : Y, loss, ["x"]);
    const w = [0.31, -0.17];
    for (const i of [0, 1]) {
      const h = 1e-6;
      const ahead = w.map((x, j) => x + (i === j ? h : 0));
      const behind = w.map((x, j) => x - (i === j ? h : 0));
      near(objective.gradient(w)[i]!, (objective.value(ahead) - objective.value(behind)) / (2 * h), 1e-7, loss.name);
      for (const j of [0, 1]) {
        const bend = (objective.gradient(ahead)[j]! - objective.gradient(behind)[j]!) / (2 * h);
        near(objective.hessian(w)[i]![j]!, bend, 1e-6, `${loss.name} curvature`);
      }
    }
  }
});

test("eigenvalues rebuild the matrix", () => {
  const matrix = [[4, 1, -2], [1, 3, 0.5], [-2, 0.5, 1]];
  const { values, vectors } = eigen(matrix);
  matrix.forEach((row, i) => row.forEach((entry, j) => {
    near(values.reduce((sum, value, k) => sum + value * vectors[k]![i]! * vectors[k]![j]!, 0), entry, 1e-12);
  }));
  vectors.forEach((v, i) => vectors.forEach((u, j) => near(dot(v, u), i === j ? 1 : 0, 1e-12)));
});

test("the stable limit is where walks begin to grow, for every rule that has one", () => {
  const objective = typed("0.5*x^2 + 10*y^2");
  for (const name of ["plain", "momentum", "nesterov"]) {
    const rule = makeRule(name);
    const limit = stableLimit(rule, curvatureAt(objective, [1, 1], "everywhere"))!;
    const end = (share: number) =>
      walk({ objective, rule, rate: makeRate(limit * share), start: [1, 1] }, 3000).at(-1)!.value;
    assert.ok(end(0.995) < 1e-3, `${name} below its limit`);
    assert.ok(!(end(1.005) < 1e3), `${name} above its limit`);
  }
  assert.equal(makeRule("adam").stableProduct!.toFixed(9), "38.000000000");
});

test("a rescaling rule's limit uses the rescaled curvature", () => {
  const objective = typed("0.5*x^2 + 10*y^2");
  const rule = makeRule("rmsprop");
  const [step] = walk({ objective, rule, rate: makeRate(0.01), start: [1, 1] }, 0);
  const limit = rescaledLimit(rule, objective, step!.w, step!.after, 0)!;
  // Divisors are |g|/10: the rescaled curvatures are 1/0.1 and 20/2.
  near(limit, 2 / 10, 1e-6);
});

test("momentum 0 is the plain rule, and a batch of all rows is batch descent", () => {
  const objective = overRows([X], Y, LOSSES["mse"]!, ["x"]);
  const base = { objective, rate: makeRate(0.05), start: [0, 0] };
  const plain = walk({ ...base, rule: makeRule("plain") }, 30).map((step) => step.w);
  assert.deepEqual(walk({ ...base, rule: makeRule("momentum", { β: 0 }) }, 30).map((step) => step.w), plain);
  const everything = walk({ ...base, rule: makeRule("plain"), batches: () => shuffled(7, 7, 1) }, 30);
  everything.forEach((step, k) => step.w.forEach((x, i) => near(x, plain[k]![i]!, 1e-13)));
});

test("a race spends no more row gradients than allowed", () => {
  const objective = overRows([X], Y, LOSSES["mse"]!, ["x"]);
  for (const size of [1, 3, 7]) {
    const setting = { objective, rule: makeRule("plain"), rate: makeRate(0.01), start: [0, 0], batches: () => shuffled(7, size, 1) };
    const spent = walkFor(setting, 70).at(-1)!.spent;
    assert.equal(spent, 70);
  }
});

test("regions by formula change at their shares of the limit", () => {
  const regions = byFormula(2, 1e-3, 1e2);
  const kinds = [0.01, 0.5, 1.5, 3].map((rate) => kindAt(regions, rate));
  assert.deepEqual(kinds, ["small", "good", "oscillating", "diverging"]);
});

test("regions by trial agree with the formula on a quadratic", () => {
  const objective = typed("(w - 3)^2");
  const { list } = byTrials({ objective, rule: makeRule("plain"), start: [0] }, "constant", 1e-4, 10, 100);
  const edge = list.find((region) => region.kind === "diverging")!.from;
  near(edge, 1, 0.03);
  near(list.find((region) => region.kind === "oscillating")!.from, 0.5, 0.03);
});

test("minima are found where they are", () => {
  for (const from of [[0, 0], [-3, -3], [4, -1], [-3, 3]]) {
    const end = settle(typed(SURFACES["himmelblau"]!.text), from)!;
    near(typed(SURFACES["himmelblau"]!.text).value(end), 0, 1e-20);
  }
  near(settle(typed("(w - 3)^2"), [100])![0]!, 3, 1e-12);
  assert.equal(settle(typed("w^3"), [-1]), null);
  assert.equal(settle(typed("x - y"), [0, 0]), null);
  assert.deepEqual(minimaBetween(typed("w^4 - 3w^2"), -3, 3).map((w) => w.toFixed(9)), ["-1.224744871", "1.224744871"]);
  assert.equal(minimaBetween(typed("w*cos(w)"), -10, 10).length, 4);
});

test("settling on least squares is the closed form", () => {
  const end = settle(overRows([X], Y, LOSSES["mse"]!, ["x"]), [5, -5])!;
  const [mx, my] = [mean(X), mean(Y)];
  const slope = X.reduce((s, x, i) => s + (x - mx) * (Y[i]! - my), 0) / X.reduce((s, x) => s + (x - mx) ** 2, 0);
  near(end[0]!, slope, 1e-12);
  near(end[1]!, my - slope * mx, 1e-12);
});

test("the noise floor is what the formula says", () => {
  const rows = tilts(256, 2, 1.5, 3);
  const objective = tilted(typed("0.5*x^2 + 2*y^2"), rows);
  near(norm(objective.gradient([0, 0])), 0, 1e-12);
  for (const [rate, batch] of [[0.1, 1], [0.3, 4]] as const) {
    const steps = walk({ objective, rule: makeRule("plain"), rate: makeRate(rate), start: [0, 0], batches: () => drawn(256, batch, 9) }, 40000);
    const noise = covariance(rows, [0, 0]).map((row) => row.map((x) => x / batch));
    const formula = floorOf(objective.hessian([0, 0]), noise, rate);
    near(measuredFloor(steps, 0).level / formula, 1, 0.04, `rate ${rate}, batch ${batch}`);
  }
  assert.equal(floorOf([[2]], [[1]], 1), Infinity);
});

test("a path of two weights lies in its plane without a gap; of more, the gap is measured", () => {
  const two = overRows([X], Y, LOSSES["mse"]!, ["x"]);
  const wide = overRows([X, X.map((x) => Math.cos(3 * x)), X.map((x) => x * x)], Y, LOSSES["mse"]!, ["a", "b", "c"]);
  for (const [objective, size] of [[two, 2], [wide, 4]] as const) {
    const steps = walk({ objective, rule: makeRule("plain"), rate: makeRate(0.03), start: new Array(size).fill(0.5) }, 60);
    const plane = planeOf(steps.map((step) => step.w), objective, steps.map((step) => step.value));
    near(plane.objective.value(plane.path.at(-1)!), steps.at(-1)!.value, 1e-12);
    if (size === 2) assert.ok(plane.gap < 1e-12);
    else assert.ok(plane.gap > 1e-6 && plane.share < 1);
  }
});

test("the ledger's last line is the next step, for every rule", () => {
  const objective = typed("0.5*x^2 + 10*y^2");
  for (const name of RULE_NAMES) {
    const rule = makeRule(name);
    const steps = walk({ objective, rule, rate: makeRate(0.05), start: [-8, 2.5] }, 4);
    arithmetic(steps[3]!, objective, rule).forEach(({ lines }, i) => {
      const end = Number(lines.at(-1)!.split(" = ").at(-1)!.replaceAll("−", "-"));
      assert.equal(end, steps[4]!.w[i], name);
    });
  }
});

test("numbers are written to be read back", () => {
  for (const x of [0.1 + 0.2, -1e-7, 1 / 3, 123456789.125]) {
    assert.equal(Number(exact(x)), x);
    assert.equal(Number(full(x).replaceAll("−", "-")), x);
  }
  assert.deepEqual([0.08452, 1234567, 0.00001234, 100, 0, Infinity].map((x) => short(x)), ["0.08452", "1.23e6", "1.23e−5", "100", "0", "∞"]);
});
