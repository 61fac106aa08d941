// Settings that live in the address: each has a default, a way into text and a careful way back.

import { signal, type Signal } from "@preact/signals";
import { exact } from "../engine/numbers.ts";

export interface Field<T> {
  readonly signal: Signal<T>;
  /** The signal's value, to read and to set. */
  now: T;
  readonly initial: T;
  write(value: T): string;
  /** The value that a text stands for; undefined where it is none, and the field keeps what it has. */
  read(text: string): T | undefined;
}

export type Fields = Readonly<Record<string, Field<any>>>;

function field<T>(initial: T, write: (value: T) => string, read: (text: string) => T | undefined): Field<T> {
  const own = signal(initial);
  return {
    signal: own, initial, write, read,
    get now() {
      return own.value;
    },
    set now(value) {
      own.value = value;
    },
  };
}

export function number(initial: number, low = -Infinity, high = Infinity): Field<number> {
  return field(initial, exact, (text) => {
    const value = Number(text);
    return text.trim() !== "" && Number.isFinite(value) && value >= low && value <= high ? value : undefined;
  });
}

export const whole = (initial: number, low: number, high: number): Field<number> => {
  const { read } = number(initial, low, high);
  return field(initial, exact, (text) => (Number.isInteger(Number(text)) ? read(text) : undefined));
};

export const choice = (initial: string, options: readonly string[]): Field<string> =>
  field(initial, (value) => value, (text) => (options.includes(text) ? text : undefined));

export const text = (initial: string, longest = 300): Field<string> =>
  field(initial, (value) => value, (given) => (given.length <= longest ? given : undefined));

export const flag = (initial: boolean): Field<boolean> =>
  field(initial, (value) => (value ? "1" : "0"), (given) => (given === "1" ? true : given === "0" ? false : undefined));

export function numbers(initial: readonly number[], most = 40): Field<readonly number[]> {
  return field(initial, (values) => values.map(exact).join(","), (text) => {
    const values = text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
    return values.length <= most && values.every(Number.isFinite) ? values : undefined;
  });
}

export function words(initial: readonly string[], most = 60): Field<readonly string[]> {
  return field(initial, (values) => values.map(encodeURIComponent).join(","), (text) => {
    const values = text === "" ? [] : text.split(",").map(safeDecode);
    return values.length <= most ? values : undefined;
  });
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export type Pairs = readonly (readonly [number, number])[];

export function pairs(initial: Pairs, most = 60): Field<Pairs> {
  return field(initial, (list) => list.map((pair) => pair.map(exact).join("_")).join(","), (text) => {
    const list = text.split(",").filter(Boolean).map((part) => part.split("_").map(Number));
    const good = list.length <= most && list.every((pair) => pair.length === 2 && pair.every(Number.isFinite));
    return good ? (list as unknown as Pairs) : undefined;
  });
}

/** What differs from the defaults, as in an address. */
export function writeFields(fields: Fields): URLSearchParams {
  const params = new URLSearchParams();
  for (const [key, { signal, initial, write }] of Object.entries(fields)) {
    const now = write(signal.value);
    if (now !== write(initial)) params.set(key, now);
  }
  return params;
}

/** Puts an address's values in; what is absent or unreadable goes back to its default. */
export function readFields(fields: Fields, params: URLSearchParams): void {
  for (const [key, { signal, initial, read }] of Object.entries(fields)) {
    const given = params.get(key);
    signal.value = (given === null ? undefined : read(given)) ?? initial;
  }
}
