// The Python server behind the page: tables it has opened, and walks over all of their rows.

import { useSignal } from "@preact/signals";
import { LARGEST, unpacked, type Packed, type Table } from "../engine/csv.ts";
import { count, exact } from "../engine/numbers.ts";
import { Group } from "../ui/controls.tsx";
import type { Field } from "../ui/fields.ts";
import { save } from "../ui/files.ts";
import type { Server } from "../ui/host.ts";
import { DataTable } from "../ui/picture.tsx";
import type { WalkFields } from "../ui/study.ts";

/** Asks for the tables that Python was started with. */
export function serverTables(server: Server, add: (tables: readonly Table[]) => void): void {
  server.get("tables").then(async (answer) => {
    if (answer.ok) add(((await answer.json()) as Packed[]).map(unpacked));
  }).catch(() => undefined);
}

/** A file for Python to keep, so that it can walk on all rows; the page gets some of them back. */
export async function upload(server: Server, file: File): Promise<Table> {
  const answer = await server.postPacked("tables", { name: file.name, text: await file.text() });
  if (!answer.ok) throw new Error(((await answer.json()) as { error: string }).error);
  return unpacked((await answer.json()) as Packed);
}

/** Whether a file is better read by Python than in the page. */
export const isLarge = (file: File): boolean => file.size > LARGEST / 4;

interface Row {
  readonly step: number;
  readonly value: number;
  readonly gradient_norm: number;
  readonly w: readonly number[];
}

interface Ending {
  readonly names: readonly string[];
  readonly rows: number;
  readonly reason: string;
  readonly weights: readonly number[];
}

interface Props {
  readonly server: Server;
  readonly fields: WalkFields & { readonly loss: Field<string>; readonly standardise: Field<boolean> };
  readonly table: string;
  readonly target: string;
  readonly features: readonly string[];
}

/** The same walk by Python over every row of a table that it opened. */
export function OnServer({ server, fields, table, target, features }: Props) {
  const said = useSignal("");
  const seen = useSignal<readonly Row[]>([]);
  const ending = useSignal<Ending | null>(null);
  const stop = useSignal<AbortController | null>(null);

  const go = async () => {
    stop.value = new AbortController();
    [seen.value, ending.value, said.value] = [[], null, "Walking…"];
    try {
      const answer = await server.post("walk", {
        table, target, features, loss: fields.loss.now, standardise: fields.standardise.now,
        rule: fields.rule.now, beta: fields.beta.now, rate: fields.rate.now,
        schedule: fields.schedule.now, updates: fields.updates.now,
      }, stop.value.signal);
      if (!answer.ok) throw new Error(((await answer.json()) as { error: string }).error);
      await read(answer.body!, (line) => {
        if ("error" in line) throw new Error(line.error as string);
        if ("reason" in line) ending.value = line as unknown as Ending;
        else seen.value = [...seen.value, line as unknown as Row];
      });
      said.value = saidOf(ending.value, seen.value.length - 1);
    } catch (error) {
      said.value = (error as Error).name === "AbortError" ? "Stopped." : (error as Error).message;
    }
    stop.value = null;
  };
  return (
    <Group title="On all rows, by Python">
      <div class="row">
        <button disabled={stop.value !== null} onClick={go}>Walk on all rows</button>
        <button disabled={stop.value === null} onClick={() => stop.value?.abort()}>Stop</button>
        {ending.value && <button onClick={() => save("trace-all-rows.json", JSON.stringify({ ...ending.value, steps: seen.value }), "application/json")}>Save</button>}
      </div>
      <p class="note" role="status" data-remote={ending.value ? "done" : "none"}>{said.value}</p>
      {ending.value && (
        <DataTable title="Walk on all rows" columns={["step", "value", ...ending.value.names]} rows={thin(seen.value).map((row) => [row.step, exact(row.value), ...row.w.map(exact)])} />
      )}
    </Group>
  );
}

const saidOf = (ending: Ending | null, updates: number): string =>
  ending ? `${count(ending.rows)} rows, ${updates} updates: ${ending.reason}` : "The walk was cut short.";
const thin = (rows: readonly Row[]) => rows.filter((_, i) => i % Math.max(1, Math.ceil(rows.length / 20)) === 0 || i === rows.length - 1);

// One JSON object a line, as they come.
async function read(body: ReadableStream<Uint8Array>, each: (line: Record<string, unknown>) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop()!;
    lines.filter(Boolean).forEach((line) => each(JSON.parse(line) as Record<string, unknown>));
  }
}
