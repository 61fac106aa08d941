// The practice room: exercises that check themselves, the fog, and flashcards.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Group, NumberBox } from "../ui/controls.tsx";
import { save } from "../ui/files.ts";
import { ItemPicture } from "../practice/pictures.tsx";
import type { Blank } from "../practice/item.ts";
import { practiceFields, practising, LARGEST_SEED, type Practising } from "../practice/room.ts";
import { answersCsv, dueCards, NOTHING, progressOf, tutorOf } from "../practice/tutor.ts";
import type { Scene } from "../ui/scene.ts";

export const practice: Scene = {
  name: "practice",
  title: "Practice",
  lesson: "Predict, see, explain, then try it in the sandbox. Every exercise checks itself and knows the usual slips.",
  open(host, visit) {
    const fields = practiceFields();
    const tutor = tutorOf(host);
    if (!tutor) {
      const closed = () => <p class="group">The practice room is closed: open the address that Python printed.</p>;
      return { fields, Pictures: closed, Settings: () => <></> };
    }
    const room = practising(fields, tutor);
    return {
      fields,
      Pictures: () => (fields.task.now === "cards" ? <Card room={room} /> : <Exercise room={room} visit={visit} />),
      Settings: () => <Plan room={room} />,
    };
  },
};

function Exercise({ room, visit }: { room: Practising; visit: (settings: string) => void }) {
  const { fields: { n, task }, item, hints, judged, wrong, texts, probes, probeAt, answer, course, last } = room;
  const asked = item.value;
  const card = useRef<HTMLElement>(null);
  const before = useRef(asked);
  // The button that had the focus is gone: go on at the top of the next exercise, or at what comes next.
  useEffect(() => {
    if (asked !== before.current) card.current?.focus();
    before.current = asked;
  }, [asked]);
  useEffect(() => {
    if (judged.value && document.activeElement === document.body) card.current?.querySelector<HTMLElement>(".next")?.focus({ preventScroll: true });
  }, [judged.value]);
  if (!asked) return <p class="group" role="alert">{wrong.value || "One moment…"}</p>;
  const fog = asked.kind === "fog";
  const title = fog ? "Deepest point in the fog" : course.value?.kinds.find(({ name }) => name === asked.kind)?.title;
  const at = Math.min(n.now, last.value);
  const [head, ...way] = judged.value ? said(judged.value) : [""];
  return (
    <article class="group task" ref={card} tabIndex={-1} data-kind={asked.kind} data-seed={asked.seed}>
      <h2>{title} <span class="note">{task.now === "fog" ? "floor" : "exercise"} {at + 1}{room.tutor.size ? ` of ${last.value + 1}` : ""}, seed {asked.seed}</span></h2>
      <p class="question">{asked.question}</p>
      <ItemPicture room={room} />
      <form onSubmit={(event) => {
        event.preventDefault();
        if (fog) probeAt(Number(texts.value[0]!.replace(",", ".")));
        else answer(true);
      }}>
        {asked.blanks.map((blank, i) => <BlankBox key={`${asked.seed}${blank.name}`} blank={blank} text={texts.value[i] ?? ""} fill={(text) => room.fill(i, text)} off={judged.value !== null} />)}
        {!judged.value && (
          <div class="row">
            {fog && <button type="submit">Probe here</button>}
            <button {...(fog ? { onClick: () => answer(true) } : { type: "submit" })} class="go">{fog ? "It is deepest here" : "Check"}</button>
            <button disabled={hints.value >= asked.hints.length} onClick={() => hints.value++}>Hint {Math.min(hints.value + 1, asked.hints.length)} of {asked.hints.length}</button>
            <button onClick={() => answer(false)}>Show the answer</button>
          </div>
        )}
      </form>
      {fog && probes.value.length > 0 && <p class="note" role="status">Probe {probes.value.length}: height {probes.value.at(-1)!.height.toFixed(4)}, slope {probes.value.at(-1)!.slope.toFixed(4)}.</p>}
      <ol class="hints" aria-live="polite">{asked.hints.slice(0, hints.value).map((hint) => <li key={hint}>{hint}</li>)}</ol>
      {wrong.value && <p class="wrong" role="alert">{wrong.value}</p>}
      <div class="verdict" role="status">
        {judged.value && <p data-tone={judged.value.right ? "good" : "warning"} data-slip={judged.value.slip}><b class="sign" aria-hidden="true">{judged.value.right ? "✓" : "!"}</b><span>{head}{fog && ` You took ${probes.value.length} probes.`}</span></p>}
      </div>
      {judged.value && <p class="way">{way.join("\n")}</p>}
      {judged.value && <div class="row"><button onClick={() => visit(asked.sandbox)}>Try it in the sandbox</button></div>}
      <div class="row">
        <button disabled={at === 0} onClick={() => (n.now = at - 1)}>Back</button>
        <button class={judged.value ? "next go" : "next"} disabled={at >= last.value} onClick={() => (n.now = at + 1)}>Next</button>
      </div>
    </article>
  );
}

/** The verdict in a line, and then the whole way. */
function said({ right, slip, explanation }: { right: boolean; slip: string | null; explanation: string }): string[] {
  if (right) return ["Right.", explanation];
  return slip === "skipped" ? ["This is the way:", explanation] : explanation.split("\n");
}

function BlankBox({ blank: { name, choices }, text, fill, off }: { blank: Blank; text: string; fill: (text: string) => void; off: boolean }) {
  if (!choices.length) {
    return (
      <label class="control">
        <span>{name}</span>
        <input type="text" inputMode="decimal" autocomplete="off" value={text} disabled={off} onInput={(event) => fill(event.currentTarget.value)} />
      </label>
    );
  }
  return (
    <fieldset class="choices">
      <legend>{name}</legend>
      {choices.map((choice) => <label key={choice}><input type="radio" name={name} checked={text === choice} disabled={off} onChange={() => fill(choice)} /> {choice}</label>)}
    </fieldset>
  );
}

const GRADES = ["Again", "Hard", "Good", "Easy"];

function Card({ room: { course, progress, grade } }: { room: Practising }) {
  const turned = useSignal("");
  if (!course.value) return null;
  const due = dueCards(course.value, progress.value, Date.now());
  const name = due[0];
  if (!name) return <p class="group">No card is due; come back later.</p>;
  const [front, back] = course.value.cards[name]!;
  return (
    <article class="group task" data-card={name}>
      <h2>Flashcard <span class="note">{due.length} to see, scheduled by FSRS</span></h2>
      <p class="question">{front}</p>
      <p class="question" role="status">{turned.value === name && back}</p>
      <div class="row">
        {turned.value === name
          ? GRADES.map((text, i) => <button key={text} onClick={() => { turned.value = ""; grade(name, i + 1); }}>{text}</button>)
          : <button class="go" onClick={() => (turned.value = name)}>Turn the card</button>}
      </div>
    </article>
  );
}

function Plan({ room }: { room: Practising }) {
  const { fields: { task, n, seed }, course, progress, tutor, last } = room;
  const said = useSignal("");
  if (!course.value) return null;
  const { replace } = tutor;
  const { kinds, cards, seed: own } = course.value;
  const { answers } = progress.value;
  const score = (kind: string) => {
    const mine = answers.filter((answer) => answer.kind === kind);
    return `${mine.filter(({ right }) => right).length} / ${mine.length}`;
  };
  const go = (which: string, at: number) => ([task.now, n.now] = [which, at]);
  // The next of its kind from here on.
  const next = (i: number) => {
    const at = task.now === "course" ? n.now : 0;
    const there = at + ((i - (at % kinds.length) + kinds.length) % kinds.length);
    go("course", tutor.size && there >= tutor.size.course ? i : there);
  };
  const here = task.now === "course" ? Math.min(n.now, last.value) % kinds.length : -1;
  const row = (title: string, right: string, on: boolean, press: () => void) => (
    <li key={title}><button aria-current={on ? "step" : undefined} onClick={press}>{title}</button> <span class="note">{right}</span></li>
  );
  return (
    <>
      <Group title="Course">
        <ol class="plan">{kinds.map(({ name, title }, i) => row(title, score(name), i === here, () => next(i)))}</ol>
        <ul class="plan">
          {row("Deepest point in the fog", score("fog"), task.now === "fog", () => go("fog", 0))}
          {row("Flashcards", `${dueCards(course.value, progress.value, Date.now()).length} of ${Object.keys(cards).length}`, task.now === "cards", () => go("cards", 0))}
        </ul>
        {tutor.size ? <p class="note">Seed {own}: the same exercises as <code>downslope practice --seed {own}</code>.</p> : (
          <NumberBox label="Seed" value={own} hint="a whole number; a class with one seed gets the same" read={(text) => { const value = seed.read(text); return value !== undefined && value <= LARGEST_SEED ? value : undefined; }} change={(value) => { seed.now = value; n.now = 0; }} />
        )}
      </Group>
      <Group title="Progress">
        <p>{answers.filter(({ right }) => right).length} of {answers.length} right. <span class="note">{tutor.kept}</span></p>
        <div class="row">
          <button onClick={() => save("answers.csv", answersCsv(progress.value), "text/csv")}>Answers, CSV</button>
          <button onClick={() => save("progress.json", JSON.stringify(progress.value), "application/json")}>Progress, JSON</button>
          {replace && <button disabled={answers.length === 0} onClick={() => confirm("Forget all answers and cards?") && (progress.value = replace(NOTHING))}>Forget</button>}
        </div>
        {replace && (
          <label class="control">
            <span>Go on from a file</span>
            <input type="file" accept=".json" onChange={async (event) => {
              const found = progressOf(await event.currentTarget.files![0]!.text());
              if (found) progress.value = replace(found);
              said.value = found ? "" : "That file holds no progress; it is saved by Progress, JSON.";
            }} />
          </label>
        )}
        {said.value && <p class="wrong" role="alert">{said.value}</p>}
      </Group>
    </>
  );
}
