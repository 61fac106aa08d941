// Which learning rates are too small, good, oscillating or diverging: by formula where the curvature
// is the same everywhere, else by trying rates from the same start.

import { curvatureAt, stableLimit, type Curvature } from "./curvature.ts";
import { walk, type Setting, type Step } from "./descend.ts";
import { makeRate } from "./rates.ts";
import { dot, norm } from "./vector.ts";

export type Kind = "small" | "good" | "oscillating" | "diverging";

export interface Region {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
}

export interface Regions {
  readonly list: readonly Region[];
  /** How they were found, in a sentence. */
  readonly how: string;
}

// Shares of the stable limit. For the plain rule they are 0.1, 1 and 2 of rate times curvature:
// below 1 nothing overshoots, above 2 everything grows.
const SHARES: [Kind, number][] = [["small", 0.05], ["good", 0.5], ["oscillating", 1], ["diverging", Infinity]];

/** Regions between two rates from the stable limit. */
export function byFormula(limit: number, low: number, high: number, where: Curvature["where"] = "everywhere"): Regions {
  const list: Region[] = [];
  let from = low;
  for (const [kind, share] of SHARES) {
    const to = Math.min(high, share * limit);
    if (to > from) list.push({ kind, from, to });
    from = Math.max(from, to);
  }
  return { list, how: `computed from the largest curvature${where === "everywhere" ? ", which is the same everywhere" : ` ${where}`}` };
}

/** What became of one walk. */
export function outcome(steps: readonly Step[], best: number): Kind {
  const [first, last] = [steps[0]!, steps.at(-1)!];
  if (!Number.isFinite(last.value) || last.value > first.value + 1e-9 * Math.abs(first.value)) return "diverging";
  const early = steps.slice(0, 21).filter((step) => step.norm > 1e-9 * first.norm);
  const turns = early.slice(1).filter((step, i) => dot(step.gradient, early[i]!.gradient) < 0).length;
  if (early.length > 2 && turns > (early.length - 1) / 2) return "oscillating";
  const arrived = last.norm <= 1e-3 * first.norm;
  return arrived || last.value - best <= 0.1 * (first.value - best) ? "good" : "small";
}

/** Regions between two rates by walking from the same start with many of them. */
export function byTrials(setting: Omit<Setting, "rate">, schedule: string, low: number, high: number, updates: number): Regions {
  const cells = 48;
  const at = (i: number) => low * Math.pow(high / low, i / cells);
  const run = (rate: number) => walk({ ...setting, rate: makeRate(rate, schedule) }, updates);
  const runs = Array.from({ length: cells }, (_, i) => run(at(i + 0.5)));
  const values = runs.map((steps) => steps.at(-1)!.value).filter(Number.isFinite);
  const best = Math.min(...values, runs[0]![0]!.value);
  const judged = runs.map((steps) => outcome(steps, best));
  // Beyond the rates that work, a walk that gets nowhere takes too long steps, not too short ones.
  const works = judged.findIndex((kind) => kind === "good" || kind === "oscillating");
  const far = (kind: Kind, i: number): Kind => (kind === "small" && works >= 0 && i > works ? "oscillating" : kind);
  const kinds = judged.map(far);
  const list: Region[] = [];
  let from = low;
  for (let i = 0; i < cells; i++) {
    if (i + 1 < cells && kinds[i + 1] === kinds[i]) continue;
    const to = i + 1 === cells ? high : boundary(at(i + 0.5), at(i + 1.5), (rate) => far(outcome(run(rate), best), i) === kinds[i]);
    list.push({ kind: kinds[i]!, from, to });
    from = to;
  }
  return { list, how: `measured: ${cells} rates tried from this start, ${updates} updates each` };
}

// Where one kind ends and the next begins, to about 1 %.
function boundary(low: number, high: number, isLow: (rate: number) => boolean): number {
  let [left, right] = [low, high];
  for (let halving = 0; halving < 4; halving++) {
    const middle = Math.sqrt(left * right);
    if (isLow(middle)) left = middle;
    else right = middle;
  }
  return Math.sqrt(left * right);
}

export const kindAt = (regions: Regions, rate: number): Kind =>
  (regions.list.find((region) => rate <= region.to) ?? regions.list.at(-1)!).kind;

/** Curvature that sets the limit: everywhere the same, or at the minimum downhill, or at the start. */
export function governing(setting: Pick<Setting, "objective" | "start">, minimum: readonly number[] | null): Curvature {
  const { objective, start } = setting;
  if (objective.quadratic) return curvatureAt(objective, start, "everywhere");
  return minimum ? curvatureAt(objective, minimum, "at the minimum") : curvatureAt(objective, start, "here");
}

/** Regions for a setting, by formula where that is exact. */
export function regionsFor(
  setting: Omit<Setting, "rate">, schedule: string, curvature: Curvature, low: number, high: number,
): Regions {
  const limit = setting.rule.divisor === null ? stableLimit(setting.rule, curvature) : null;
  const exact = setting.objective.quadratic && curvature.smallest >= 0 && schedule === "constant" && !setting.batches;
  if (limit !== null && (exact || setting.objective.rows > 1)) return byFormula(limit, low, high, curvature.where);
  const cost = setting.objective.rows * (1 + norm(setting.start.map(() => 1)));
  return byTrials(setting, schedule, low, high, Math.round(Math.max(20, Math.min(100, 60000 / cost))));
}
