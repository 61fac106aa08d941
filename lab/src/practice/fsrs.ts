// When a flashcard comes again: FSRS 6 as PyPI's fsrs computes it (MIT, Open Spaced Repetition), for a
// page that has no Python behind it. test/practice.test.ts repeats schedules that fsrs wrote.

export interface Schedule {
  readonly card_id: number;
  /** 1 learning, 2 review, 3 relearning. */
  readonly state: number;
  readonly step: number | null;
  readonly stability: number | null;
  readonly difficulty: number | null;
  readonly due: string;
  readonly last_review: string | null;
}

const P = [
  0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796, 1.4835, 0.0614, 0.2629, 1.6483, 0.6014,
  1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
] as const;
const DECAY = -P[20];
const FACTOR = Math.pow(0.9, 1 / DECAY) - 1;
const [MINUTE, DAY] = [60_000, 86_400_000];

const firstDifficulty = (grade: number) => P[4] - Math.exp(P[5] * (grade - 1)) + 1;

function nextDifficulty(difficulty: number, grade: number): number {
  const moved = difficulty - ((10 - difficulty) * P[6] * (grade - 3)) / 9;
  return Math.min(10, Math.max(1, P[7] * firstDifficulty(4) + (1 - P[7]) * moved));
}

function nextStability(stability: number, difficulty: number, days: number, grade: number): number {
  if (days < 1) {
    const growth = Math.exp(P[17] * (grade - 3 + P[18])) * Math.pow(stability, -P[19]);
    return stability * (grade > 1 ? Math.max(1, growth) : growth);
  }
  const recalled = Math.pow(1 + (FACTOR * days) / stability, DECAY);
  if (grade === 1) {
    const long = P[11] * Math.pow(difficulty, -P[12]) * (Math.pow(stability + 1, P[13]) - 1) * Math.exp((1 - recalled) * P[14]);
    return Math.min(long, stability / Math.exp(P[17] * P[18]));
  }
  const bonus = grade === 2 ? P[15] : grade === 4 ? P[16] : 1;
  return stability * (1 + Math.exp(P[8]) * (11 - difficulty) * Math.pow(stability, -P[9]) * (Math.exp((1 - recalled) * P[10]) - 1) * bonus);
}

/** A card after a review: graded 1 again, 2 hard, 3 good, 4 easy. */
export function review(old: Schedule | undefined, grade: number, now: Date): Schedule {
  const days = old?.last_review ? Math.floor((now.getTime() - Date.parse(old.last_review)) / DAY) : 0;
  const known = old?.stability && old.difficulty;
  const stability = Math.max(0.001, known ? nextStability(old.stability!, old.difficulty!, days, grade) : P[grade - 1]!);
  const difficulty = known ? nextDifficulty(old.difficulty!, grade) : Math.min(10, Math.max(1, firstDifficulty(grade)));
  // Nine in ten are still known after as many days as the stability says.
  const later = Math.min(36_500, Math.max(1, Math.round(stability))) * DAY;
  const [state, step, wait] = place(old?.state ?? 1, old?.step ?? 0, grade, later);
  return {
    card_id: old?.card_id ?? now.getTime(), state, step, stability, difficulty,
    due: new Date(now.getTime() + wait).toISOString(), last_review: now.toISOString(),
  };
}

// Learning goes over 1 and 10 minutes, relearning over 10; after that come whole days.
function place(state: number, step: number, grade: number, later: number): [number, number | null, number] {
  const steps = state === 1 ? [1, 10] : [10];
  if (state === 2) return grade === 1 ? [3, 0, 10 * MINUTE] : [2, null, later];
  if (grade === 1) return [state, 0, steps[0]! * MINUTE];
  if (grade === 4 || step >= steps.length || (grade === 3 && step + 1 === steps.length)) return [2, null, later];
  if (grade === 3) return [state, step + 1, steps[step + 1]! * MINUTE];
  return [state, step, (step > 0 ? steps[step]! : state === 1 ? 5.5 : 15) * MINUTE];
}
