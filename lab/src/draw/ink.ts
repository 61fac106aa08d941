// Colours of the page as pictures need them. The style sheet is their only source.

export interface Ink {
  /** Tells one set of colours from another. */
  readonly name: string;
  readonly paper: string;
  readonly text: string;
  readonly muted: string;
  readonly rule: string;
  /** The walker and its path. */
  readonly walker: string;
  readonly halo: string;
  /** Data, and what the model says of it. */
  readonly data: string;
  readonly model: string;
  readonly goal: string;
  /** Colours for things side by side, each used with its own marker and dash. */
  readonly lanes: readonly string[];
  readonly landLow: string;
  readonly landHigh: string;
}

const kept = new WeakMap<Element, { readonly version: number; readonly ink: Ink }>();

/** Colours in force at an element; asking costs the browser a look at all styles, so they are kept. */
export function inkOf(element: Element, version: number): Ink {
  const lab = element.closest(".dsl") ?? element;
  const known = kept.get(lab);
  if (known?.version === version) return known.ink;
  const ink = readInk(lab);
  kept.set(lab, { version, ink });
  return ink;
}

function readInk(element: Element): Ink {
  const style = getComputedStyle(element);
  const get = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const lanes = Array.from({ length: 8 }, (_, i) => get(`lane-${i}`));
  return {
    name: get("name") + lanes.join(""),
    paper: get("paper"), text: get("text"), muted: get("muted"), rule: get("rule"),
    walker: get("walker"), halo: get("halo"), data: get("data"), model: get("model"), goal: get("goal"),
    lanes, landLow: get("land-low"), landHigh: get("land-high"),
  };
}

const channels = (hex: string) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** Between two colours written as #rrggbb. */
export function blend(from: string, to: string, share: number): string {
  const [a, b] = [channels(from), channels(to)];
  return `#${a.map((x, i) => Math.round(x + (b[i]! - x) * share).toString(16).padStart(2, "0")).join("")}`;
}
