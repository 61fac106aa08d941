// What a scene is: its settings, the walk it studies, and what it draws.

import { computed, type ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Curves } from "../draw/curves.ts";
import type { Table } from "../engine/csv.ts";
import type { Fields } from "./fields.ts";
import type { Host } from "./host.ts";
import { player, type Player } from "./player.ts";
import { MOST_UPDATES, type Study } from "./study.ts";

export interface Room {
  readonly fields: Fields;
  /** The walk that slider, verdict and ledger are about; the practice room has none. */
  readonly study?: Study;
  readonly player?: Player;
  /** What the player counts, if not single updates. */
  readonly unit?: string;
  readonly Pictures: () => JSX.Element;
  readonly Settings: () => JSX.Element;
  /** Said before the walk's own verdict. */
  readonly Remark?: () => JSX.Element | null;
  /** False while the slider does not set the rate. */
  readonly rateSet?: ReadonlySignal<boolean>;
  /** Tables to carry along in a one-file page. */
  readonly tables?: () => readonly Table[];
}

export interface Scene {
  readonly name: string;
  readonly title: string;
  readonly lesson: string;
  /** `visit` goes to another scene, set up as an address says. */
  open(host: Host, visit: (settings: string) => void): Room;
}

/** A player of a study's own steps; past the end it asks for one update more. */
export function playerOf({ fields, steps }: Study): Player {
  const last = computed(() => steps.value.length - 1);
  return player(fields.k.signal, last, () => {
    const updates = fields.updates.signal;
    if (last.value === updates.value) updates.value = Math.min(MOST_UPDATES, updates.value + 1);
  });
}

/** Loss and gradient norm over the steps. */
export function curvesOf(study: Study): { loss: ReadonlySignal<Curves>; norm: ReadonlySignal<Curves> } {
  const x = computed(() => study.steps.value.map((step) => step.k));
  return {
    loss: computed(() => ({ x: x.value, list: [{ name: "value", values: study.steps.value.map((step) => step.value), lane: 0 }] })),
    norm: computed(() => ({ x: x.value, list: [{ name: "gradient norm", values: study.steps.value.map((step) => step.norm), lane: 1 }] })),
  };
}
