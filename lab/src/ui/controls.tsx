// Plain controls: a labelled number, choice, switch and group. Native elements, so the keyboard works.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { exact } from "../engine/numbers.ts";
import type { Field } from "./fields.ts";

export function NumberBox({ label, value, read, change, hint }: {
  label: string;
  value: number;
  read: (text: string) => number | undefined;
  change: (value: number) => void;
  hint?: string;
}) {
  const id = useId();
  const wrong = useSignal("");
  const commit = (input: HTMLInputElement) => {
    const next = read(input.value);
    wrong.value = next === undefined ? `"${input.value}" cannot be used${hint ? `: ${hint}` : ""}.` : "";
    if (next !== undefined) change(next);
  };
  return (
    <label class="control">
      <span>{label}</span>
      <input
        type="text" inputMode="decimal" value={exact(value)} spellcheck={false}
        aria-invalid={wrong.value !== ""} aria-describedby={wrong.value ? id : undefined}
        onChange={(event) => commit(event.currentTarget)}
      />
      {wrong.value && <span id={id} class="wrong" role="alert">{wrong.value}</span>}
    </label>
  );
}

export const FieldBox = ({ label, field, hint }: { label: string; field: Field<number>; hint?: string }) => (
  <NumberBox label={label} value={field.now} read={field.read} change={(value) => (field.now = value)} {...(hint ? { hint } : {})} />
);

export function Choice({ label, value, options, change }: {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  change: (value: string) => void;
}) {
  return (
    <label class="control">
      <span>{label}</span>
      <select value={value} onChange={(event) => change(event.currentTarget.value)}>
        {options.map(([name, text]) => <option key={name} value={name}>{text}</option>)}
      </select>
    </label>
  );
}

export const FieldChoice = ({ label, field, options }: { label: string; field: Field<string>; options: readonly (readonly [string, string])[] }) => (
  <Choice label={label} value={field.now} options={options} change={(value) => (field.now = value)} />
);

export const Switch = ({ label, field }: { label: string; field: Field<boolean> }) => (
  <label class="control switch">
    <input type="checkbox" checked={field.now} onChange={(event) => (field.now = event.currentTarget.checked)} />
    <span>{label}</span>
  </label>
);

export const Group = ({ title, children }: { title: string; children: ComponentChildren }) => (
  <fieldset class="group">
    <legend>{title}</legend>
    {children}
  </fieldset>
);
