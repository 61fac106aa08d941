// Handing files to the reader: nothing leaves the page.

import type { Step } from "../engine/descend.ts";
import { exact } from "../engine/numbers.ts";
import type { Objective } from "../engine/objective.ts";

export function save(name: string, content: Blob | string, type = "text/plain"): void {
  const blob = typeof content === "string" ? new Blob([content], { type }) : content;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A cell that a spreadsheet will read as text and never run. */
export function cell(text: string): string {
  const safe = /^[=+\-@\t]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The trace as a table, every number in full, in the columns that downslope.trace.load_trace reads. */
export function traceRows(steps: readonly Step[], { names, rows: whole }: Objective): { columns: string[]; rows: number[][] } {
  const columns = ["step", "epoch", "value", "loss", "gradient_norm", "rate", "seconds", "validation", ...names.map((name) => `w[${name}]`), ...names.map((name) => `gradient[${name}]`)];
  const rows = steps.map((step) => [step.k, Math.floor(step.spent / whole), step.value, step.value, step.norm, step.rate, NaN, NaN, ...step.w, ...step.gradient]);
  return { columns, rows };
}

export function traceCsv(steps: readonly Step[], objective: Objective): string {
  const { columns, rows } = traceRows(steps, objective);
  return [columns.map(cell), ...rows.map((row) => row.map(exact))].map((cells) => cells.join(",")).join("\n") + "\n";
}

/** The trace and all settings; numbers that are not finite are written as words. */
export function traceJson(steps: readonly Step[], objective: Objective, settings: Record<string, string>): string {
  const { columns, rows } = traceRows(steps, objective);
  const plain = rows.map((row) => row.map((x) => (Number.isFinite(x) ? x : exact(x))));
  return JSON.stringify({ made_with: "downslope lab", convention: objective.convention, settings, columns, rows: plain });
}
