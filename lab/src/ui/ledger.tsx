// Every step with all its digits, and the arithmetic of the one shown.

import { useSignal } from "@preact/signals";
import { arithmetic } from "../engine/ledger.ts";
import { exact } from "../engine/numbers.ts";
import { shown } from "../engine/typed.ts";
import type { Step } from "../engine/descend.ts";
import type { Study } from "./study.ts";

const PAGE = 10;
const MOST_WEIGHTS = 6;

export function Ledger({ study }: { study: Study }) {
  const { steps, at, here, objective, rule, go } = study;
  const first = useSignal(0);
  const k = at.value;
  // The page of rows follows the step shown.
  const begin = k < first.value || k >= first.value + PAGE ? Math.floor(k / PAGE) * PAGE : first.value;
  first.value = begin;
  const page = steps.value.slice(begin, begin + PAGE);
  const names = objective.value.names.slice(0, MOST_WEIGHTS);
  return (
    <section class="ledger" aria-labelledby="ledger-title">
      <h2 id="ledger-title">Ledger</h2>
      <Arithmetic study={study} />
      <div class="scroll" tabIndex={0} role="region" aria-label="Steps, all digits">
        <table>
          <thead>
            <tr>
              <th scope="col">step</th>
              {names.map((name) => <th key={name} scope="col">{shown(name)}</th>)}
              <th scope="col">value</th>
              {names.map((name) => <th key={name} scope="col">gradient of {shown(name)}</th>)}
              <th scope="col">gradient norm</th>
              <th scope="col">rate</th>
            </tr>
          </thead>
          <tbody>
            {page.map((step) => <Row key={step.k} step={step} width={names.length} current={step.k === k} go={go} />)}
          </tbody>
        </table>
      </div>
      <p class="pages">
        <button disabled={begin === 0} onClick={() => go(Math.max(0, begin - PAGE))}>earlier</button>
        <span>steps {begin} to {begin + page.length - 1} of {steps.value.length - 1}; rule: {rule.value.label}</span>
        <button disabled={begin + PAGE >= steps.value.length} onClick={() => go(begin + PAGE)}>later</button>
      </p>
      {here.value.w.length > MOST_WEIGHTS && <p class="note">The first {MOST_WEIGHTS} of {here.value.w.length} weights are shown; the saved trace has all.</p>}
    </section>
  );
}

function Row({ step, width, current, go }: { step: Step; width: number; current: boolean; go: (k: number) => void }) {
  return (
    <tr data-k={step.k} aria-current={current ? "step" : undefined}>
      <th scope="row"><button onClick={() => go(step.k)} aria-label={`Show step ${step.k}`}>{step.k}</button></th>
      {step.w.slice(0, width).map((w, i) => <td key={i} data-name={`w${i}`}>{exact(w)}</td>)}
      <td data-name="value">{exact(step.value)}</td>
      {step.gradient.slice(0, width).map((g, i) => <td key={i} data-name={`g${i}`}>{exact(g)}</td>)}
      <td data-name="norm">{exact(step.norm)}</td>
      <td data-name="rate">{exact(step.rate)}</td>
    </tr>
  );
}

function Arithmetic({ study }: { study: Study }) {
  const { here, objective, rule, steps, at } = study;
  if (at.value >= steps.value.length - 1 && !Number.isFinite(here.value.value)) {
    return <p class="note">The numbers have left the range of a double here; the walk ends.</p>;
  }
  const sums = arithmetic(here.value, objective.value, rule.value).slice(0, MOST_WEIGHTS);
  return (
    <div class="arithmetic" data-arithmetic={at.value}>
      <h3>How step {at.value} becomes step {at.value + 1}</h3>
      {sums.map(({ weight, lines }) => (
        <ol key={weight} aria-label={`Arithmetic of ${weight}`}>
          {lines.map((line, i) => <li key={i}><code>{line}</code></li>)}
        </ol>
      ))}
    </div>
  );
}
