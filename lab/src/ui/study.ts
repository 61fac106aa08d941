// One walk under study: everything that follows from an objective, a start and the settings. It is
// all computed, so a changed setting keeps the same start and everything on the page follows it.

import { computed, type ReadonlySignal } from "@preact/signals";
import { rescaledLimit, stableLimit, type Curvature } from "../engine/curvature.ts";
import { walk, type Setting, type Step } from "../engine/descend.ts";
import { diagnose, type Finding } from "../engine/diagnose.ts";
import { settle } from "../engine/minimum.ts";
import type { Objective } from "../engine/objective.ts";
import { makeRate, SCHEDULES } from "../engine/rates.ts";
import { governing, regionsFor, type Regions } from "../engine/regions.ts";
import { makeRule, RULE_NAMES, ruleSettings, type Rule } from "../engine/rules.ts";
import { minus, norm, type Vec } from "../engine/vector.ts";
import { choice, number, whole, type Field } from "./fields.ts";

export interface WalkFields {
  readonly rate: Field<number>;
  readonly rule: Field<string>;
  readonly beta: Field<number>;
  readonly schedule: Field<string>;
  readonly updates: Field<number>;
  readonly k: Field<number>;
}

export const MOST_UPDATES = 2000;

/** The settings that every walk has. */
export function walkFields(rate: number, updates = 60, k = 0): WalkFields {
  return {
    rate: number(rate, 1e-300, 1e300),
    rule: choice("plain", RULE_NAMES),
    beta: number(0.9, 0, 0.999),
    schedule: choice("constant", Object.keys(SCHEDULES)),
    updates: whole(updates, 1, MOST_UPDATES),
    k: whole(k, 0, MOST_UPDATES),
  };
}

/** A rule with the page's momentum where it has one. */
export function ruleWith(name: string, beta: number): Rule {
  return makeRule(name, Object.hasOwn(ruleSettings(name), "β") ? { β: beta } : {});
}

export interface Study {
  readonly fields: WalkFields;
  readonly objective: ReadonlySignal<Objective>;
  readonly start: ReadonlySignal<Vec>;
  readonly rule: ReadonlySignal<Rule>;
  readonly minimum: ReadonlySignal<Vec | null>;
  readonly lowest: ReadonlySignal<number | null>;
  readonly curvature: ReadonlySignal<Curvature>;
  /** Largest rate that does not diverge; null where none is known. */
  readonly limit: ReadonlySignal<number | null>;
  /** Where the limit comes from, in a sentence. */
  readonly reason: ReadonlySignal<string>;
  /** Ends of the rate slider. */
  readonly span: ReadonlySignal<readonly [number, number]>;
  readonly regions: ReadonlySignal<Regions>;
  readonly steps: ReadonlySignal<readonly Step[]>;
  /** Step shown: never past the last. */
  readonly at: ReadonlySignal<number>;
  readonly here: ReadonlySignal<Step>;
  readonly findings: ReadonlySignal<readonly Finding[]>;
  /** Shows another step. */
  go(k: number): void;
}

export interface Extra {
  readonly batches?: ReadonlySignal<(() => Iterator<readonly number[]>) | undefined>;
  /** Lowest value known beside the one downhill of the start. */
  readonly lowest?: ReadonlySignal<number | null>;
}

export function study(fields: WalkFields, objective: ReadonlySignal<Objective>, start: ReadonlySignal<Vec>, extra: Extra = {}): Study {
  const rule = computed(() => ruleWith(fields.rule.now, fields.beta.now));
  const minimum = computed(() => settle(objective.value, start.value));
  const curvature = computed(() => governing({ objective: objective.value, start: start.value }, minimum.value));
  const setting = computed((): Omit<Setting, "rate"> => {
    const batches = extra.batches?.value;
    const base = { objective: objective.value, rule: rule.value, start: start.value };
    return batches ? { ...base, batches } : base;
  });
  const steps = computed(() => {
    const rate = makeRate(fields.rate.now, fields.schedule.now);
    return walk({ ...setting.value, rate }, fields.updates.now);
  });
  const at = computed(() => Math.min(fields.k.now, steps.value.length - 1));
  const here = computed(() => steps.value[at.value]!);
  const rescales = computed(() => rule.value.divisor !== null);
  const limit = computed(() => {
    if (!rescales.value) return stableLimit(rule.value, curvature.value);
    const { w, after, k } = here.value;
    return rescaledLimit(rule.value, objective.value, w, after, k);
  });
  const downhill = computed(() => (minimum.value ? objective.value.value(minimum.value) : null));
  const lowest = computed(() => {
    const own = downhill.value;
    const other = extra.lowest?.value ?? null;
    return own === null ? other : other === null ? own : Math.min(own, other);
  });
  const span = computed(() => spanOf(curvature.value, rescales.value, start.value, minimum.value));
  const regions = computed(() =>
    regionsFor(setting.value, fields.schedule.now, curvature.value, span.value[0], span.value[1]));
  const findings = computed(() => diagnose({
    steps: steps.value, objective: objective.value, curvature: curvature.value, limit: limit.value,
    product: rule.value.stableProduct, noisy: setting.value.batches !== undefined, rescales: rescales.value,
    downhill: downhill.value, lowest: lowest.value,
  }));
  const reason = computed(() => reasonOf(rule.value, curvature.value, limit.value, rescales.value, at.value));
  const go = (k: number) => (fields.k.now = k);
  return { fields, objective, start, rule, minimum, lowest, curvature, limit, reason, span, regions, steps, at, here, findings, go };
}

// Four powers of ten, with the stable limit of the plain rule (or, for rules that step by their own
// measure, the distance to the minimum) in the upper half.
function spanOf({ largest }: Curvature, rescales: boolean, start: Vec, minimum: Vec | null): [number, number] {
  const distance = minimum ? norm(minus(start, minimum)) : 0;
  const scale = rescales ? distance || 1 : largest > 0 ? 2 / largest : 1;
  const high = Math.pow(10, Math.ceil(Math.log10(scale) + 0.4));
  return [high / 1e4, high];
}

function reasonOf(rule: Rule, curvature: Curvature, limit: number | null, rescales: boolean, k: number): string {
  if (limit === null) {
    if (rule.stableProduct === null) return `No stable limit is known for ${rule.label}.`;
    return rescales
      ? `${rule.label} rescales each weight; its limit shows once each has moved.`
      : "The surface does not bend upwards here, so no rate is too large for it by this measure.";
  }
  const product = Number(rule.stableProduct!.toPrecision(4));
  if (rescales) return `${product} ÷ the largest curvature after ${rule.label}'s rescaling at step ${k}`;
  return `${product} ÷ the largest curvature ${Number(curvature.largest.toPrecision(4))} ${curvature.where}`;
}
