// A text file of rows becomes typed columns, in the page.

export class TableError extends Error {}

export interface Column {
  readonly name: string;
  /** Numbers, NaN where missing; null where the column holds words. */
  readonly numbers: readonly number[] | null;
  readonly words: readonly string[];
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly rows: number;
  /** Rows of the whole table, where Python chose some of them for the page. */
  readonly of?: number;
}

/** A table as it is sent or embedded: each column either numbers (null where missing) or words. */
export interface Packed {
  readonly name: string;
  readonly rows: number;
  readonly of?: number;
  readonly columns: readonly { readonly name: string; readonly numbers?: readonly (number | null)[]; readonly words?: readonly string[] }[];
}

export function unpacked({ name, rows, of, columns }: Packed): Table {
  const whole = columns.map(({ name, numbers, words }): Column => (numbers
    ? { name, numbers: numbers.map((x) => x ?? NaN), words: numbers.map((x) => (x === null ? "" : String(x))) }
    : { name, numbers: null, words: words ?? [] }));
  return of === undefined ? { name, rows, columns: whole } : { name, rows, of, columns: whole };
}

export function packed({ name, rows, of, columns }: Table): Packed {
  const small = columns.map(({ name, numbers, words }) => (numbers
    ? { name, numbers: numbers.map((x) => (Number.isFinite(x) ? x : null)) }
    : { name, words }));
  return of === undefined ? { name, rows, columns: small } : { name, rows, of, columns: small };
}

const MISSING = new Set(["", "na", "nan", "n/a", "null", "none", "?"]);
const SEPARATORS = [",", ";", "\t", "|"];
export const LARGEST = 8_000_000;

/** Rows of cells (RFC 4180: quotes may hold separators, line breaks and doubled quotes). */
export function cells(text: string, separator: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[++i]!;
      else quoted = false;
    } else if (c === '"' && cell === "") quoted = true;
    else if (c === separator) { row.push(cell); cell = ""; }
    else if (c === "\n" || c === "\r") {
      if (c === "\r" && text[i + 1] === "\n") i++;
      row.push(cell);
      rows.push(row);
      [row, cell] = [[], ""];
    } else cell += c;
  }
  if (quoted) throw new TableError("A quotation mark is opened and never closed.");
  if (cell !== "" || row.length) rows.push([...row, cell]);
  return rows.filter((cells) => cells.length > 1 || cells[0]!.trim() !== "");
}

// The separator that splits the first lines most often and most evenly.
function separatorOf(text: string): string {
  const lines = text.split(/\r?\n/, 20).filter((line) => line.trim());
  const score = (separator: string) => Math.min(...lines.map((line) => line.split(separator).length));
  return SEPARATORS.reduce((best, separator) => (score(separator) > score(best) ? separator : best));
}

/** One cell as a number, in either way of writing decimals; NaN where it is none. */
export function numeric(cell: string, decimalComma: boolean): number {
  const text = cell.trim();
  if (MISSING.has(text.toLowerCase())) return NaN;
  const plain = decimalComma ? text.replaceAll(".", "").replace(",", ".") : text;
  return /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(plain) ? Number(plain) : NaN;
}

const isMissing = (cell: string) => MISSING.has(cell.trim().toLowerCase());

/** The table that a text holds. */
export function readTable(text: string, name: string): Table {
  if (text.length > LARGEST) {
    throw new TableError(`${name} has ${text.length.toLocaleString("en")} characters; the page reads up to ${LARGEST.toLocaleString("en")}. Start the lab with the file instead: downslope lab ${name}`);
  }
  if (text.includes("\0")) throw new TableError(`${name} is not a text file; save the table as CSV.`);
  const plain = text.replace(/^\uFEFF/, "");
  const separator = separatorOf(plain);
  const rows = cells(plain, separator);
  if (rows.length < 2) throw new TableError(`${name} has ${rows.length} line(s); a table needs a header and at least one row.`);
  const decimalComma = separator === ";" && rows.slice(1, 50).some((row) => row.some((cell) => /^\s*-?\d+,\d+\s*$/.test(cell)));
  const header = headerOf(rows, decimalComma);
  const body = header.given ? rows.slice(1) : rows;
  const ragged = body.findIndex((row) => row.length !== header.names.length);
  if (ragged >= 0) {
    throw new TableError(`Row ${ragged + 1 + Number(header.given)} of ${name} has ${body[ragged]!.length} cells, but the first row has ${header.names.length}.`);
  }
  const columns = header.names.map((column, j) => typedColumn(column, body.map((row) => row[j]!), decimalComma));
  return { name, columns, rows: body.length };
}

function headerOf(rows: readonly string[][], decimalComma: boolean): { names: string[]; given: boolean } {
  const first = rows[0]!;
  const given = !first.some((cell) => Number.isFinite(numeric(cell, decimalComma)));
  const raw = given ? first.map((cell) => cell.trim()) : first.map((_, j) => `column ${j + 1}`);
  const names: string[] = [];
  raw.forEach((cell, j) => {
    const name = cell || `column ${j + 1}`;
    names.push(names.includes(name) ? `${name} (${j + 1})` : name);
  });
  return { names, given };
}

function typedColumn(name: string, words: string[], decimalComma: boolean): Column {
  const numbers = words.map((word) => numeric(word, decimalComma));
  const known = words.filter((word) => !isMissing(word)).length;
  const good = numbers.filter(Number.isFinite).length;
  // One stray word does not make a column of numbers a column of words.
  return { name, words, numbers: known > 0 && good >= 0.95 * known ? numbers : null };
}

/** The two values of a column that has exactly two, in order; null otherwise. */
export function twoValues(column: Column): [string, string] | null {
  const seen = new Set<string>();
  for (const word of column.words) {
    if (!isMissing(word)) seen.add(word.trim());
    if (seen.size > 2) return null;
  }
  return seen.size === 2 ? ([...seen].sort() as [string, string]) : null;
}
