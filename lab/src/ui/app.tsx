// The page: scenes to choose from, and around the chosen one what every scene has.

import { effect, signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { SCENES } from "../scenes/all.ts";
import { traceCsv, traceJson, save } from "./files.ts";
import { readFields, writeFields } from "./fields.ts";
import { inkVersion, onePage, type Host } from "./host.ts";
import { Ledger } from "./ledger.tsx";
import { PlayerBar } from "./player.tsx";
import { RateControl } from "./rate.tsx";
import type { Room } from "./scene.ts";
import { Verdict } from "./verdict.tsx";

/** Scenes opened so far: each keeps its settings while another is looked at. */
function lobby(host: Host) {
  const rooms = new Map<string, Room>();
  const name = signal(SCENES[0]!.name);
  const room = (which: string): Room => {
    const open = rooms.get(which) ?? SCENES.find((scene) => scene.name === which)!.open(host, load);
    rooms.set(which, open);
    return open;
  };
  const load = (settings: string) => {
    const params = new URLSearchParams(settings);
    const wanted = params.get("scene");
    const scene = SCENES.find((scene) => scene.name === wanted) ?? SCENES[0]!;
    readFields(room(scene.name).fields, params);
    name.value = scene.name;
  };
  const settings = () => {
    const params = writeFields(room(name.value).fields);
    return new URLSearchParams([["scene", name.value], ...params]).toString();
  };
  return { name, room, load, settings };
}

export function App({ host }: { host: Host }) {
  const { name, room, load, settings } = useMemo(() => {
    const made = lobby(host);
    made.load(host.opening);
    return made;
  }, [host]);
  const root = useRef<HTMLDivElement>(null);
  const theme = useTheme();

  useEffect(() => effect(() => host.remember(settings())), [host]);
  useEffect(() => host.listen((text) => text !== settings() && load(text)), [host]);
  // A notebook listens for single keys; none that is meant for the page may reach it.
  useEffect(() => {
    const stop = (event: Event) => event.stopPropagation();
    root.current!.addEventListener("keydown", stop);
    return () => root.current?.removeEventListener("keydown", stop);
  }, []);

  const scene = SCENES.find((scene) => scene.name === name.value)!;
  const { study, player, Pictures, Settings, Remark, unit, rateSet } = room(name.value);
  return (
    <div class="dsl" ref={root} data-theme={theme.shown} data-scene={scene.name}>
      <header>
        <h1>Downslope <span>lab</span></h1>
        <nav aria-label="Scenes">
          {SCENES.map(({ name: other, title }) => (
            <button key={other} aria-current={other === name.value ? "page" : undefined} onClick={() => { if (player) player.playing.value = false; name.value = other; }}>{title}</button>
          ))}
        </nav>
        <label class="theme">
          <span class="away">Colours</span>
          <select value={theme.chosen} onChange={(event) => theme.choose(event.currentTarget.value)}>
            <option value="auto">auto</option>
            <option value="light">light</option>
            <option value="dark">dark</option>
          </select>
        </label>
      </header>
      <main key={scene.name}>
        <p class="lesson">{scene.lesson}</p>
        {Remark && <Remark />}
        {study && <Verdict study={study} />}
        {study && <p class="convention">{study.objective.value.convention}.</p>}
        <div class="stage">
          <section class="pictures" aria-label="Pictures"><Pictures /></section>
          <aside aria-label="Settings">
            <Settings />
            <Exports host={host} room={room(name.value)} settings={settings} name={scene.name} />
          </aside>
        </div>
        {study && player && (
          <section class="dock" aria-label="Rate and steps">
            {rateSet && !rateSet.value ? null : <RateControl study={study} />}
            <PlayerBar player={player} {...(unit ? { unit } : {})} />
          </section>
        )}
        {study && <Ledger study={study} />}
      </main>
    </div>
  );
}

/** Light or dark: as chosen, or as the system has it. */
function useTheme() {
  const chosen = useSignal("auto");
  const dark = useSignal(false);
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => (dark.value = system.matches);
    follow();
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, []);
  const shown = chosen.value === "auto" ? (dark.value ? "dark" : "light") : chosen.value;
  useEffect(() => {
    inkVersion.value += 1;
  }, [shown]);
  return { shown, chosen: chosen.value, choose: (name: string) => (chosen.value = name) };
}

function Exports({ host, room, settings, name }: { host: Host; room: Room; settings: () => string; name: string }) {
  const said = useSignal("");
  const { study } = room;
  const all = () => Object.fromEntries(new URLSearchParams(settings()));
  const link = async () => {
    await navigator.clipboard.writeText(location.href.split("#")[0] + `#${settings()}`);
    said.value = "The link is copied; it opens this page as it is now.";
  };
  const page = async () => {
    // Python has the exercises where it is behind the page; a page alone passes its own on.
    const practice = host.practice ?? (host.server ? await (await host.server.post("practice/bank", {})).json() : null);
    save(`downslope-${name}.html`, onePage(await host.source!(), settings(), room.tables?.() ?? [], practice), "text/html");
  };
  return (
    <fieldset class="group exports">
      <legend>Take along</legend>
      {study && <button onClick={() => save(`trace-${name}.csv`, traceCsv(study.steps.value, study.objective.value), "text/csv")}>Trace, CSV</button>}
      {study && <button onClick={() => save(`trace-${name}.json`, traceJson(study.steps.value, study.objective.value, all()), "application/json")}>Trace, JSON</button>}
      {host.source && <button onClick={page}>Page in one file</button>}
      {host.linkable && <button onClick={link}>Copy link</button>}
      <p role="status" class="note">{said.value}</p>
    </fieldset>
  );
}
