// What an exercise is, and how an answer is checked: as downslope.practice.item does in Python, which
// generates every exercise. test/practice.test.ts holds the two together.

export type Value = number | string;
/** A slip's value is one value, or everything between two. */
export type Wanted = Value | readonly [number, number];

export interface Blank {
  readonly name: string;
  readonly decimals: number;
  readonly choices: readonly string[];
  readonly relative: number;
}

export interface Slip {
  readonly name: string;
  readonly values: readonly Wanted[];
  readonly explanation: string;
}

/** An exercise as it is asked. */
export interface Question {
  readonly kind: string;
  readonly seed: number;
  readonly question: string;
  readonly blanks: readonly Blank[];
  readonly hints: readonly string[];
  readonly curves: readonly (readonly number[])[];
  readonly floor: readonly (readonly number[])[];
  readonly sandbox: string;
}

/** An exercise with all that is needed to check it. */
export interface Item extends Question {
  readonly solution: readonly Value[];
  readonly working: string;
  readonly slips: readonly Slip[];
  readonly reveal: readonly (readonly number[])[];
}

export interface Verdict {
  readonly right: boolean;
  readonly slip: string | null;
  readonly explanation: string;
}

export function agrees(blank: Blank, given: Value, right: Wanted): boolean {
  if (typeof right === "object") return right[0] <= Number(given) && Number(given) <= right[1];
  if (typeof given === "string" || typeof right === "string") return given === right;
  return Math.abs(given - right) <= Math.max(1.001 * Math.pow(10, -blank.decimals), blank.relative * Math.abs(right));
}

export function check({ blanks, solution, working, slips }: Item, given: readonly Value[]): Verdict {
  const same = (values: readonly Wanted[]) => blanks.map((blank, i) => agrees(blank, given[i]!, values[i]!));
  const right = same(solution);
  if (right.every(Boolean)) return { right: true, slip: null, explanation: working };
  const slip = slips.find(({ values }) => same(values).every(Boolean));
  if (slip) return { right: false, slip: slip.name, explanation: `${slip.explanation}\n${working}` };
  const wrong = blanks.filter((_, i) => !right[i]).map(({ name }) => name).join(", ");
  return { right: false, slip: null, explanation: `Not yet: look again at ${wrong}.\n${working}` };
}

/** What a person typed; undefined where it is no answer to the blank. */
export function read({ choices }: Blank, text: string): Value | undefined {
  if (choices.length) return choices.includes(text) ? text : undefined;
  const value = text.trim() === "" ? NaN : Number(text.replace(",", ".").replace("−", "-"));
  return Number.isFinite(value) ? value : undefined;
}

/** Height and slope of the hidden floor. */
export function probe([[c], ...waves]: Question["floor"], x: number): [number, number] {
  let [height, slope] = [(x - c!) ** 2 / 20, (x - c!) / 10];
  for (const [a, k, p] of waves) {
    height += a! * Math.sin(k! * x + p!);
    slope += a! * k! * Math.cos(k! * x + p!);
  }
  return [height, slope];
}
