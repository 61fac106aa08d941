// The page judges answers, probes the fog and schedules cards as Python does.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { review, type Schedule } from "../src/practice/fsrs.ts";
import { check, probe, read, type Item, type Value, type Verdict } from "../src/practice/item.ts";
import { answersCsv, dueCards, type Progress } from "../src/practice/tutor.ts";

interface Golden {
  verdicts: { item: Item; answers: (Verdict & { given: Value[] })[] }[];
  probes: { floor: number[][]; x: number; seen: [number, number] }[];
  schedules: { grade: number; now: string; card: Schedule }[][];
}

const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, "practice.json"), "utf8"));
const near = (a: number, b: number) => Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(b));

for (const { item, answers } of golden.verdicts) {
  test(`answers get Python's verdict: ${item.kind} ${item.seed}`, () => {
    assert.ok(answers.length > 2);
    for (const { given, ...verdict } of answers) assert.deepEqual(check(item, given), verdict);
  });
}

test("the fog has Python's heights and slopes", () => {
  for (const { floor, x, seen } of golden.probes) probe(floor, x).forEach((value, i) => assert.ok(near(value, seen[i]!)));
});

test("cards come again when fsrs says", () => {
  for (const reviews of golden.schedules) {
    let card: Schedule | undefined;
    for (const { grade, now, card: wanted } of reviews) {
      card = review(card, grade, new Date(now));
      assert.deepEqual([card.state, card.step], [wanted.state, wanted.step]);
      assert.ok(near(card.stability!, wanted.stability!), `${card.stability} against ${wanted.stability}`);
      assert.ok(near(card.difficulty!, wanted.difficulty!));
      assert.equal(Date.parse(card.due), Date.parse(wanted.due));
    }
  }
});

test("numbers as people type them", () => {
  const blank = { name: "w", decimals: 3, choices: [], relative: 0 };
  assert.deepEqual(["1.5", "1,5", " −2 ", "1e-3", "", "far"].map((text) => read(blank, text)), [1.5, 1.5, -2, 0.001, undefined, undefined]);
  assert.equal(read({ ...blank, choices: ["yes", "no"] }, "maybe"), undefined);
});

test("overdue cards come before new ones", () => {
  const course = { seed: 1, kinds: [], cards: { a: ["", ""], b: ["", ""], c: ["", ""] } as const };
  const now = new Date("2026-01-01T00:00:00Z");
  const later = review(undefined, 4, now);
  const progress: Progress = { version: 1, answers: [], cards: { a: later, c: review(undefined, 1, now) } };
  assert.deepEqual(dueCards(course, progress, now.getTime() + 3_600_000), ["c", "b"]);
});

test("a slip with a comma in its name stays one cell", () => {
  const answer = { when: "2026", kind: "regime", seed: 1, right: false, slip: "best, not largest", hints: 0, probes: 0 };
  assert.equal(answersCsv({ version: 1, answers: [answer], cards: {} }).split("\n")[1], '2026,regime,1,False,"best, not largest",0,0');
});
