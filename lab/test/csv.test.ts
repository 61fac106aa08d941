import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, inUnits } from "../src/engine/chosen.ts";
import { cells, readTable, TableError } from "../src/engine/csv.ts";
import { LOSSES } from "../src/engine/losses.ts";
import { settle } from "../src/engine/minimum.ts";
import { overRows } from "../src/engine/rows.ts";

test("quotes hold separators, line breaks and doubled quotes", () => {
  assert.deepEqual(cells('a,"b,1","say ""hi""\nnow"\r\n1,2,3\n', ","), [["a", "b,1", 'say "hi"\nnow'], ["1", "2", "3"]]);
});

test("separators and decimal commas are found", () => {
  const table = readTable("\uFEFFmass;price\n1,5;2\n2,25;3\n", "t.csv");
  assert.deepEqual(table.columns.map((column) => column.numbers), [[1.5, 2.25], [2, 3]]);
  assert.deepEqual(readTable("a\tb\n1\t2\n", "t").columns.map((c) => c.name), ["a", "b"]);
});

test("a file without a header gets names; names given twice are told apart", () => {
  assert.deepEqual(readTable("1,2\n3,4\n", "t").columns.map((c) => c.name), ["column 1", "column 2"]);
  assert.deepEqual(readTable("x,x\n3,4\n", "t").columns.map((c) => c.name), ["x", "x (2)"]);
});

test("what is no table is refused with a sentence", () => {
  for (const text of ["", "a,b\n", "a,b\n1,2,3\n", 'a,b\n"1,2\n', "PK\0\0,x\n1,2\n"]) {
    assert.throws(() => readTable(text, "t.csv"), (error) => error instanceof TableError && error.message.endsWith("."), text);
  }
});

test("rows with gaps are left out and counted", () => {
  const table = readTable("x,y\n1,2\n?,3\n2,4\n3,NA\n4,8\n", "t");
  const chosen = choose(table, "y", ["x"], false, false);
  assert.equal(chosen.incomplete, 2);
  assert.deepEqual(chosen.y, [2, 4, 8]);
});

test("standardised weights go back to the table's units", () => {
  const table = readTable("x,z,y\n1000,3,5\n2000,1,7\n1500,2,9\n3000,8,4\n", "t");
  const raw = choose(table, "y", ["x", "z"], false, false);
  const even = choose(table, "y", ["x", "z"], false, true);
  const solve = (columns: readonly (readonly number[])[]) => settle(overRows(columns, raw.y, LOSSES["mse"]!, ["x", "z"]), [0, 0, 0])!;
  inUnits(solve(even.columns), even).forEach((w, i) => assert.ok(Math.abs(w - solve(raw.columns)[i]!) < 1e-6 * (1 + Math.abs(w))));
});

test("two classes become -1 and +1; other targets are refused", () => {
  const table = readTable("x,kind\n1,no\n2,yes\n3,yes\n", "t");
  const chosen = choose(table, "kind", ["x"], true, true);
  assert.deepEqual([chosen.y, chosen.positive], [[-1, 1, 1], "yes"]);
  assert.throws(() => choose(table, "x", ["x"], true, true), /exactly two/);
  assert.throws(() => choose(table, "kind", ["x"], false, true), /words/);
});
