// From a table and a choice of columns to numbers: target, features, raw or standardised.

import { TableError, twoValues, type Column, type Table } from "./csv.ts";
import { mean, range, type Vec } from "./vector.ts";

export interface Chosen {
  readonly features: readonly string[];
  readonly columns: readonly Vec[];
  readonly y: Vec;
  /** Rows left out because a cell is missing, and rows left out to keep the page quick. */
  readonly incomplete: number;
  readonly thinned: number;
  /** What +1 stands for, for a target of two values. */
  readonly positive: string | null;
  /** Middle and spread taken out of each column; 0 and 1 where left raw. */
  readonly centre: Vec;
  readonly spread: Vec;
}

/** As many rows as the page walks over while a slider is dragged. */
export const MOST_ROWS = 3000;

export function choose(table: Table, target: string, features: readonly string[], binary: boolean, standardise: boolean): Chosen {
  const find = (name: string): Column => {
    const column = table.columns.find((column) => column.name === name);
    if (!column) throw new TableError(`${table.name} has no column "${name}".`);
    return column;
  };
  const goal = find(target);
  const classes = binary ? twoValues(goal) : null;
  if (binary && !classes) throw new TableError(`"${target}" does not have exactly two values; logistic regression needs that.`);
  if (!binary && !goal.numbers) throw new TableError(`"${target}" holds words; choose a column of numbers, or logistic regression for two classes.`);
  const given = features.map((name) => find(name).numbers);
  if (given.some((numbers) => numbers === null)) throw new TableError("A chosen feature holds words; choose columns of numbers.");
  const targets = classes ? goal.words.map((word) => (word.trim() === classes[1] ? 1 : word.trim() === classes[0] ? -1 : NaN)) : goal.numbers!;
  const complete = range(table.rows).filter((row) => Number.isFinite(targets[row]) && given.every((column) => Number.isFinite(column![row])));
  if (complete.length < 2) throw new TableError("Fewer than two rows have all the chosen cells filled in.");
  const every = Math.max(1, complete.length / MOST_ROWS);
  const kept = range(Math.floor(complete.length / every)).map((i) => complete[Math.floor(i * every)]!);
  const raw = given.map((column) => kept.map((row) => column![row]!));
  const centre = raw.map((column) => (standardise ? mean(column) : 0));
  const spread = raw.map((column, j) => (standardise ? deviation(column, centre[j]!) : 1));
  return {
    features,
    columns: raw.map((column, j) => column.map((x) => (x - centre[j]!) / spread[j]!)),
    y: kept.map((row) => targets[row]!),
    incomplete: table.rows - complete.length,
    thinned: complete.length - kept.length,
    positive: classes ? classes[1] : null,
    centre,
    spread,
  };
}

// A constant column has no spread; dividing by 1 leaves it at zero.
function deviation(column: Vec, centre: number): number {
  return Math.sqrt(mean(column.map((x) => (x - centre) ** 2))) || 1;
}

/** Weights of standardised columns in the units of the table: one per feature, intercept last. */
export function inUnits(w: Vec, { centre, spread }: Pick<Chosen, "centre" | "spread">): number[] {
  const slopes = spread.map((size, j) => w[j]! / size);
  const intercept = slopes.reduce((b, slope, j) => b - slope * centre[j]!, w.at(-1)!);
  return [...slopes, intercept];
}
