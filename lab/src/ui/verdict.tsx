// What the walk did, in plain words, with the number that proves it and what to try.

import { short } from "../engine/numbers.ts";
import type { Study } from "./study.ts";

const SIGNS = { good: "✓", warning: "!", bad: "✗" };

export function Verdict({ study }: { study: Study }) {
  const findings = study.findings.value;
  return (
    <div class="verdict" role="status">
      {findings.map(({ symptom, tone, says, advice, rate }) => (
        <p key={symptom} data-tone={tone} data-symptom={symptom}>
          <b class="sign" aria-hidden="true">{SIGNS[tone]}</b>
          <span>{says} <em>{advice}</em></span>
          {rate !== null && (
            <button onClick={() => (study.fields.rate.now = Number(rate.toPrecision(3)))}>
              Try {short(rate, 3)}
            </button>
          )}
        </p>
      ))}
    </div>
  );
}
