// How numbers are written: shortest text that reads back to the same double, or a few digits.

/** Every digit, so that the text reads back to the same number; the minus is a minus sign. */
export const full = (x: number): string => String(x).replaceAll("-", "−");

/** The same digits in plain ASCII, for tables, files and links. */
export const exact = (x: number): string => (Object.is(x, -0) ? "0" : String(x));

/** About four digits, for sentences and axes. */
export function short(x: number, digits = 4): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "not a number" : x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-4) {
    const [mantissa, power] = x.toExponential(Math.min(digits - 1, 2)).split("e") as [string, string];
    return `${strip(mantissa)}e${Number(power)}`.replaceAll("-", "−");
  }
  return strip(x.toPrecision(Math.max(digits, Math.floor(Math.log10(size)) + 1))).replace("-", "−");
}

const strip = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** 12345 as 12,345. */
export const count = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");
