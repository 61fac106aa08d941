// Who asks and checks: Python behind the page where there is a server, else the exercises that Python
// put into the page.

import { cell } from "../ui/files.ts";
import type { Host, Server } from "../ui/host.ts";
import { review, type Schedule } from "./fsrs.ts";
import { check, type Item, type Question, type Value, type Verdict } from "./item.ts";

export interface Answer {
  readonly when: string;
  readonly kind: string;
  readonly seed: number;
  readonly right: boolean;
  readonly slip: string | null;
  readonly hints: number;
  readonly probes: number;
}

/** What a person has answered, in the form of downslope.practice.progress. */
export interface Progress {
  readonly version: 1;
  readonly answers: readonly Answer[];
  readonly cards: Readonly<Record<string, Schedule>>;
}

export interface Course {
  readonly seed: number;
  readonly kinds: readonly { readonly name: string; readonly title: string }[];
  readonly cards: Readonly<Record<string, readonly [string, string]>>;
}

/** A course that needs no Python. */
export interface Bank extends Course {
  readonly items: readonly Item[];
  readonly fogs: readonly Item[];
}

export interface Given {
  readonly kind: string;
  readonly seed: number;
  /** Null where the answer is shown without one. */
  readonly given: readonly Value[] | null;
  readonly hints: number;
  readonly probes: number;
}

export type Judged = Verdict & Pick<Item, "solution" | "reveal"> & { readonly progress: Progress };

export interface Tutor {
  /** Where progress is kept, in a sentence. */
  readonly kept: string;
  /** How many exercises there are; null where they do not end. */
  readonly size: { readonly course: number; readonly fog: number } | null;
  course(seed: number | null): Promise<Course & { readonly progress: Progress }>;
  item(kind: string, seed: number): Promise<Question>;
  answer(given: Given): Promise<Judged>;
  card(name: string, grade: number): Promise<Progress>;
  /** Puts other progress in place of what is kept here; null where Python keeps it. */
  readonly replace: ((progress: Progress) => Progress) | null;
}

export const NOTHING: Progress = { version: 1, answers: [], cards: {} };

/** Progress that was saved; null where a text is none. */
export function progressOf(text: string): Progress | null {
  try {
    const found = JSON.parse(text);
    return found.version === 1 && Array.isArray(found.answers) && typeof found.cards === "object" ? found : null;
  } catch {
    return null;
  }
}

export function tutorOf({ server, practice }: Host): Tutor | null {
  return server ? served(server) : practice && alone(practice);
}

function served(server: Server): Tutor {
  const ask = async (what: string, body: object) => {
    const answer = await server.post(`practice/${what}`, body);
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error);
    return said;
  };
  return {
    kept: "Kept by Python, with what you do in the terminal.", size: null,
    course: (seed) => ask("course", { seed }),
    item: (kind, seed) => ask("item", { kind, seed }),
    answer: (given) => ask("answer", given),
    card: async (name, grade) => (await ask("card", { name, grade })).progress,
    replace: null,
  };
}

const SHELF = "downslope-progress";

function alone(bank: Bank): Tutor {
  let progress = NOTHING;
  let kept = "Kept by this browser.";
  try {
    progress = progressOf(localStorage.getItem(SHELF) ?? "") ?? NOTHING;
  } catch {
    kept = "This page may keep nothing: take your answers along before you close it.";
  }
  const keep = (change: Partial<Progress>) => {
    progress = { ...progress, ...change };
    try {
      localStorage.setItem(SHELF, JSON.stringify(progress));
    } catch {
      // Said above: such a page keeps nothing.
    }
    return progress;
  };
  const find = (kind: string, seed: number) => [...bank.items, ...bank.fogs].find((item) => item.kind === kind && item.seed === seed)!;
  return {
    kept, size: { course: bank.items.length, fog: bank.fogs.length },
    course: async () => ({ ...bank, progress }),
    item: async (kind, seed) => find(kind, seed),
    async answer({ kind, seed, given, hints, probes }) {
      const item = find(kind, seed);
      const { solution, reveal, working } = item;
      const verdict = given ? check(item, given) : { right: false, slip: "skipped", explanation: working };
      const { right, slip } = verdict;
      const answer = { when: new Date().toISOString(), kind, seed, right, slip, hints, probes };
      return { ...verdict, solution, reveal, progress: keep({ answers: [...progress.answers, answer] }) };
    },
    replace: keep,
    card: async (name, grade) => keep({ cards: { ...progress.cards, [name]: review(progress.cards[name], grade, new Date()) } }),
  };
}

/** Cards to show now: overdue ones first, then new ones in their order. */
export function dueCards({ cards }: Course, { cards: schedules }: Progress, now: number): string[] {
  const when = (name: string) => Date.parse(schedules[name]!.due);
  const seen = Object.keys(cards).filter((name) => schedules[name] && when(name) <= now).sort((a, b) => when(a) - when(b));
  return [...seen, ...Object.keys(cards).filter((name) => !schedules[name])];
}

/** The answers as the terminal exports them. */
export function answersCsv({ answers }: Progress): string {
  const truth = (right: boolean) => (right ? "True" : "False");
  const rows = answers.map(({ when, kind, seed, right, slip, hints, probes }) => [when, kind, seed, truth(right), cell(slip ?? ""), hints, probes].join(","));
  return ["when,kind,seed,right,slip,hints,probes", ...rows].join("\n") + "\n";
}
