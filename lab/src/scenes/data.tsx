// Your data: any table of numbers, linear or logistic, raw or standardised.

import { computed, signal, useSignal } from "@preact/signals";
import { choose, inUnits, type Chosen } from "../engine/chosen.ts";
import { readTable, twoValues, type Table } from "../engine/csv.ts";
import { curvatureAt } from "../engine/curvature.ts";
import { LOSSES } from "../engine/losses.ts";
import { count, exact, short } from "../engine/numbers.ts";
import { planeOf } from "../engine/plane.ts";
import { overRows } from "../engine/rows.ts";
import { mean, range, zeros } from "../engine/vector.ts";
import { drawWalk, landTable, surveyOf, WalkCharts, WalkSettings, windowFor, Zoom, zoomed } from "../ui/common.tsx";
import { FieldChoice, Group, Switch } from "../ui/controls.tsx";
import { choice, flag, number, text, words } from "../ui/fields.ts";
import type { Host } from "../ui/host.ts";
import { DataTable, Picture } from "../ui/picture.tsx";
import { playerOf, type Scene } from "../ui/scene.ts";
import { study, walkFields } from "../ui/study.ts";
import { drawFit, fitTable, fitTitle } from "./fit.ts";
import { drawPlane, planeWindow } from "./planes.ts";
import { isLarge, OnServer, serverTables, upload } from "./remote.tsx";
import { samples } from "./samples.ts";

const LOSS_NAMES = ["mse", "squared_error", "huber", "log_loss", "hinge"];
const MOST_FEATURES = 12;

export const data: Scene = {
  name: "data",
  title: "Your data",
  lesson: "Drop in a table, choose what to predict and from what. The file stays on this machine.",
  open(host: Host) {
    const fields = {
      table: text(""), target: text(""), features: words([]), loss: choice("mse", LOSS_NAMES), standardise: flag(true),
      ...walkFields(0.1, 100), zoom: number(1, 1 / 64, 64),
    };
    const own = samples();
    const tables = signal<readonly Table[]>([...host.tables, ...own]);
    const wrong = signal("");
    const fallback = host.tables[0] ?? own[0]!;
    const table = computed(() => tables.value.find(({ name }) => name === fields.table.now) ?? fallback);
    const numeric = computed(() => table.value.columns.filter((column) => column.numbers).map((column) => column.name));
    const loss = computed(() => LOSSES[fields.loss.now]!);
    const target = computed(() => {
      const wanted = fields.target.now;
      return table.value.columns.some(({ name }) => name === wanted) ? wanted : targetOf(table.value);
    });
    const features = computed(() => {
      const wanted = fields.features.now.filter((name) => numeric.value.includes(name) && name !== target.value);
      return wanted.length ? wanted : likeliest(table.value, target.value, 1);
    });

    // The last choice that worked stays on the page while another is being made.
    let last: Chosen | null = null;
    const tryChoose = (standardise: boolean) => choose(table.value, target.value, features.value, loss.value.binary, standardise);
    const chosen = computed((): Chosen => {
      try {
        last = tryChoose(fields.standardise.now);
        wrong.value = "";
      } catch (error) {
        wrong.value = (error as Error).message;
        last ??= choose(fallback, targetOf(fallback), numericNames(fallback).slice(0, 1), isBinary(fallback, targetOf(fallback)), true);
      }
      return last;
    });
    const objective = computed(() => overRows(chosen.value.columns, chosen.value.y, lossFor(loss.value.name, chosen.value), chosen.value.features));
    const start = computed(() => zeros(objective.value.names.length));
    const walk = study(fields, objective, start);
    const conditions = computed(() => {
      try {
        return [false, true].map((standardise) => {
          const given = tryChoose(standardise);
          const at = overRows(given.columns, given.y, lossFor(loss.value.name, given), given.features);
          return curvatureAt(at, zeros(at.names.length), "here").condition;
        });
      } catch {
        return [NaN, NaN];
      }
    });
    const small = computed(() => objective.value.names.length === 2);
    const plane = computed(() => (small.value ? null : planeOf(walk.steps.value.filter((step) => Number.isFinite(step.value)).map((step) => step.w), objective.value, walk.steps.value.map((step) => step.value).filter(Number.isFinite))));
    const window = computed(() => (plane.value
      ? zoomed(planeWindow(plane.value.path), fields.zoom.now)
      : zoomed(windowFor(start.value, walk.minimum.value), fields.zoom.now)));
    const land = computed(() => surveyOf(plane.value ? plane.value.objective.value : objective.value.value, window.value));
    const goals = computed(() => (walk.minimum.value ? [walk.minimum.value] : []));

    const open = async (file: File | undefined) => {
      if (!file) return;
      try {
        add(host.server && isLarge(file) ? await upload(host.server, file) : readTable(await file.text(), file.name));
      } catch (error) {
        wrong.value = (error as Error).message;
      }
    };
    const add = (next: Table) => {
      tables.value = [next, ...tables.value.filter(({ name }) => name !== next.name)];
      use(next.name);
    };
    const use = (name: string) => {
      const next = tables.value.find((table) => table.name === name)!;
      const goal = targetOf(next);
      [fields.table.now, fields.features.now] = [name, likeliest(next, goal, 2)];
      aimAt(goal);
      [fields.k.now, fields.zoom.now] = [0, 1];
      // A rate that this table does not bear is no place to begin: half of what it does bear is.
      const limit = walk.limit.value;
      if (limit && fields.rate.now > limit) fields.rate.now = Number((limit / 2).toPrecision(2));
    };
    // The loss goes with the target: squares for numbers, logistic for two classes.
    const aimAt = (name: string) => {
      fields.target.now = name;
      const binary = isBinary(table.value, name);
      if (loss.value.binary !== binary) fields.loss.now = binary ? "log_loss" : "mse";
    };
    if (host.server) serverTables(host.server, (next) => (tables.value = [...next, ...tables.peek()]));
    const toggle = (name: string, on: boolean) => {
      const others = features.value.filter((other) => other !== name);
      fields.features.now = on ? [...others, name] : others;
    };

    return {
      fields, study: walk, player: playerOf(walk), tables: () => [table.value],
      Remark: () => (
        <div class="remark" role="status">
          {wrong.value && <p class="wrong"><span>{wrong.value}</span></p>}
          <p><span>
            <b>{table.value.name}</b>: {count(chosen.value.y.length)} {table.value.of && table.value.of > table.value.rows ? `of ${count(table.value.of)} ` : ""}rows in the walk
            {chosen.value.incomplete > 0 && `, ${count(chosen.value.incomplete)} left out because a cell is empty`}
            {chosen.value.thinned > 0 && `, ${count(chosen.value.thinned)} left out evenly to keep the page quick`}.{" "}
            Condition number: raw <b data-condition="raw" data-value={String(conditions.value[0])}>{short(conditions.value[0]!, 3)}</b>, standardised{" "}
            <b data-condition="standardised" data-value={String(conditions.value[1])}>{short(conditions.value[1]!, 3)}</b>.
          </span></p>
        </div>
      ),
      Settings: () => (
        <>
          <Group title="Table">
            <FileDrop open={open} />
            <label class="control">
              <span>Table</span>
              <select value={table.value.name} onChange={(event) => use(event.currentTarget.value)}>
                {tables.value.map(({ name }) => <option key={name} value={name}>{name}</option>)}
              </select>
            </label>
            <label class="control">
              <span>Predict</span>
              <select value={target.value} onChange={(event) => aimAt(event.currentTarget.value)}>
                {table.value.columns.map(({ name }) => <option key={name} value={name}>{name}</option>)}
              </select>
            </label>
            <div role="group" aria-label="From these columns" class="checks">
              {numeric.value.filter((name) => name !== target.value).slice(0, 40).map((name) => {
                const on = features.value.includes(name);
                return (
                  <label class="control switch" key={name}>
                    <input type="checkbox" checked={on} disabled={(on && features.value.length === 1) || (!on && features.value.length >= MOST_FEATURES)} onChange={(event) => toggle(name, event.currentTarget.checked)} />
                    <span>{name}</span>
                  </label>
                );
              })}
            </div>
          </Group>
          <Group title="Model">
            <FieldChoice label="Loss" field={fields.loss} options={LOSS_NAMES.map((name) => [name, LOSSES[name]!.label])} />
            <Switch label="Standardise the columns" field={fields.standardise} />
          </Group>
          <WalkSettings fields={fields} />
          {host.server && table.value.of !== undefined && <OnServer server={host.server} fields={fields} table={table.value.name} target={target.value} features={features.value} />}
        </>
      ),
      Pictures: () => (
        <>
          <Picture
            title={fitTitle(chosen.value)} shape={0.74}
            draw={(pen) => drawFit(pen, chosen.value, target.value, walk.here.value.w, walk.minimum.value)}
            table={() => fitTable(chosen.value, target.value, walk.here.value.w)}
          />
          <Picture
            title={small.value ? "Loss over the two weights" : "Loss on the plane of the path"} shape={0.74}
            draw={(pen) => (plane.value ? drawPlane(pen, land.value, plane.value, walk.at.value) : drawWalk(pen, land.value, walk, goals.value))}
            caption={<>{plane.value
              ? <>{objective.value.names.length} weights seen on one plane, which holds {short(100 * plane.value.share, 4)} % of the path's spread. The plane's loss under the path is at most <b data-value={String(plane.value.gap)}>{short(plane.value.gap, 3)}</b> from the true one.</>
              : "Dark is low; the cross marks the minimum."} <Zoom field={fields.zoom} /></>}
            table={() => (plane.value ? landTable(plane.value.objective.value, window.value, ["along", "across"]) : landTable(objective.value.value, window.value, objective.value.names))}
          />
          <WalkCharts study={walk} />
          <figure class="picture wide">
            <figcaption><h2>Weights at step {walk.at.value}</h2></figcaption>
            <DataTable title="Weights" {...weightsTable(chosen.value, objective.value.names, walk.here.value.w, walk.minimum.value)} />
          </figure>
        </>
      ),
    };
  },
};

const numericNames = (table: Table) => table.columns.filter((column) => column.numbers).map((column) => column.name);

// Losses of two classes need such a target; while there is none yet, the walk shows squares.
const lossFor = (name: string, chosen: Chosen) => (LOSSES[name]!.binary === (chosen.positive !== null) ? LOSSES[name]! : LOSSES[chosen.positive === null ? "mse" : "log_loss"]!);

// What a table is usually about stands in its last column.
function targetOf(table: Table): string {
  const fits = table.columns.filter((column) => column.numbers || twoValues(column));
  return (fits.at(-1) ?? table.columns.at(-1)!).name;
}

function isBinary(table: Table, target: string): boolean {
  const column = table.columns.find(({ name }) => name === target);
  return column !== undefined && twoValues(column) !== null;
}

/** Columns of numbers that go with the target most closely, by correlation. */
function likeliest(table: Table, target: string, most: number): string[] {
  const goal = table.columns.find(({ name }) => name === target);
  const values = goal?.numbers ?? goal?.words.map((word) => Number(word.trim() === twoValues(goal)?.[1]));
  const closeness = ({ numbers }: Table["columns"][number]) => Math.abs(correlation(numbers!, values ?? []));
  return table.columns
    .filter(({ name, numbers }) => numbers && name !== target)
    .map((column) => ({ name: column.name, close: closeness(column) || 0 }))
    .sort((a, b) => b.close - a.close)
    .slice(0, most)
    .map(({ name }) => name);
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const rows = range(a.length).filter((i) => Number.isFinite(a[i]) && Number.isFinite(b[i]));
  const [ma, mb] = [mean(rows.map((i) => a[i]!)), mean(rows.map((i) => b[i]!))];
  const sum = (f: (x: number, y: number) => number) => rows.reduce((total, i) => total + f(a[i]! - ma, b[i]! - mb), 0);
  return sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
}

function weightsTable(chosen: Chosen, names: readonly string[], w: readonly number[], best: readonly number[] | null) {
  const [units, bestUnits] = [inUnits(w, chosen), best && inUnits(best, chosen)];
  return {
    columns: ["weight", "as walked", "in the table's units", "at the minimum"],
    rows: names.map((name, i) => [name, exact(w[i]!), exact(units[i]!), bestUnits ? short(bestUnits[i]!, 8) : "none found"]),
  };
}

function FileDrop({ open }: { open: (file: File | undefined) => void }) {
  const over = useSignal(false);
  return (
    <label
      class="drop" data-over={over.value}
      onDragOver={(event) => { event.preventDefault(); over.value = true; }}
      onDragLeave={() => (over.value = false)}
      onDrop={(event) => { event.preventDefault(); over.value = false; open(event.dataTransfer?.files[0]); }}
    >
      <span>Drop a CSV file here, or choose one</span>
      <input type="file" accept=".csv,.tsv,.txt,text/csv" onChange={(event) => open(event.currentTarget.files?.[0])} />
    </label>
  );
}
