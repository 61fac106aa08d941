// Where a learner stands: which exercise, what was answered, what the verdict is.

import { computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { choice, whole } from "../ui/fields.ts";
import { probe, read, type Question, type Value } from "./item.ts";
import { NOTHING, type Course, type Judged, type Progress, type Tutor } from "./tutor.ts";

export const TASKS = ["course", "fog", "cards"] as const;
export const LARGEST_SEED = Number.MAX_SAFE_INTEGER;

export interface Probe {
  readonly x: number;
  readonly height: number;
  readonly slope: number;
}

export const practiceFields = () => ({
  task: choice("course", TASKS),
  // -1 is the seed that Python chose.
  seed: whole(-1, -1, LARGEST_SEED),
  n: whole(0, 0, 1_000_000),
});

export type PracticeFields = ReturnType<typeof practiceFields>;

export interface Practising {
  readonly fields: PracticeFields;
  readonly tutor: Tutor;
  readonly course: ReadonlySignal<Course | null>;
  readonly progress: Signal<Progress>;
  readonly item: ReadonlySignal<Question | null>;
  /** What stands in each blank. */
  readonly texts: Signal<readonly string[]>;
  readonly hints: Signal<number>;
  readonly probes: ReadonlySignal<readonly Probe[]>;
  /** The curve drawn so far, a value for each update; NaN where none was drawn. */
  readonly drawn: Signal<readonly number[]>;
  readonly judged: ReadonlySignal<Judged | null>;
  readonly wrong: Signal<string>;
  readonly last: ReadonlySignal<number>;
  fill(i: number, text: string): void;
  probeAt(x: number): void;
  /** Checks what stands in the blanks, or shows the answer. */
  answer(given: boolean): void;
  grade(card: string, grade: number): void;
}

export function practising(fields: PracticeFields, tutor: Tutor): Practising {
  const course = signal<Course | null>(null);
  const progress = signal(NOTHING);
  const item = signal<Question | null>(null);
  const texts = signal<readonly string[]>([]);
  const hints = signal(0);
  const probes = signal<readonly Probe[]>([]);
  const drawn = signal<readonly number[]>([]);
  const judged = signal<Judged | null>(null);
  const wrong = signal("");
  const { task, seed, n } = fields;

  const trying = async <T>(asked: Promise<T>, done: (said: T) => void) => {
    try {
      done(await asked);
      wrong.value = "";
    } catch (error) {
      wrong.value = (error as Error).message;
    }
  };
  effect(() => {
    const wanted = seed.now;
    trying(tutor.course(wanted < 0 || tutor.size ? null : wanted), (said) => {
      [progress.value, course.value] = [said.progress, said];
    });
  });
  // Only the newest question counts, in whatever order Python answers.
  let turn = 0;
  const last = computed(() => (tutor.size && task.now !== "cards" ? tutor.size[task.now as "course" | "fog"] - 1 : 1_000_000));
  effect(() => {
    const { kinds, seed: base } = course.value ?? { kinds: [], seed: 0 };
    const [which, at] = [task.now, Math.min(n.now, last.value)];
    if (!kinds.length || which === "cards") return;
    const kind = which === "fog" ? "fog" : kinds[at % kinds.length]!.name;
    const mine = ++turn;
    trying(tutor.item(kind, base + at), (said) => {
      if (mine !== turn) return;
      [texts.value, hints.value, probes.value, judged.value] = [said.blanks.map(() => ""), 0, [], null];
      drawn.value = [1, ...Array(20).fill(NaN)];
      item.value = said;
    });
  });

  const fill = (i: number, text: string) => (texts.value = texts.value.map((old, j) => (i === j ? text : old)));
  return {
    fields, tutor, course, progress, item, texts, hints, probes, drawn, judged, wrong, last, fill,
    probeAt(x) {
      const [height, slope] = probe(item.value!.floor, x);
      probes.value = [...probes.value, { x, height, slope }];
    },
    answer(checked) {
      const { kind, seed, blanks } = item.value!;
      const given = checked ? blanks.map((blank, i) => read(blank, texts.value[i]!)) : null;
      const missing = given ? given.findIndex((value) => value === undefined) : -1;
      if (missing >= 0) {
        const [blank, text] = [blanks[missing]!, texts.value[missing]!];
        wrong.value = text ? `"${text}" is not a number; type something like 1.464.` : `${blank.name} is not answered yet.`;
        return;
      }
      trying(tutor.answer({ kind, seed, given: given as Value[] | null, hints: hints.value, probes: probes.value.length }), (said) => {
        [judged.value, progress.value] = [said, said.progress];
      });
    },
    grade: (card, grade) => void trying(tutor.card(card, grade), (said) => (progress.value = said)),
  };
}
