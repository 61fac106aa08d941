// Where the page lives: served by Python, a single file, or a widget in a notebook.

import { signal } from "@preact/signals";
import { packed, unpacked, type Packed, type Table } from "../engine/csv.ts";
import type { Bank } from "../practice/tutor.ts";

/** The part of an anywidget model that the page uses. */
export interface Model {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: () => void): void;
}

export interface Host {
  /** Settings to open with, as in an address. */
  readonly opening: string;
  /** Puts the settings where they can be found again. */
  remember(settings: string): void;
  /** Calls back when the settings are changed from outside. */
  listen(callback: (settings: string) => void): void;
  /** Tables that came with the page. */
  readonly tables: readonly Table[];
  /** Exercises that came with the page, where it has no server. */
  readonly practice: Bank | null;
  /** The page's own parts, to make a one-file copy; null where the host does not know them. */
  source: (() => Promise<{ script: string; style: string }>) | null;
  /** The Python server behind the page, where there is one. */
  readonly server: Server | null;
  /** True where the address names this page alone, so that a link can be copied. */
  readonly linkable: boolean;
}

export interface Server {
  get(path: string): Promise<Response>;
  post(path: string, body: unknown, signal?: AbortSignal): Promise<Response>;
  /** The same for a body worth packing. */
  postPacked(path: string, body: unknown): Promise<Response>;
}

/** Bumped when colours change, so that pictures are drawn again. */
export const inkVersion = signal(0);

/** What is embedded in a one-file page: settings, tables and exercises. */
export interface Embedded {
  readonly settings?: string;
  readonly tables?: readonly Packed[];
  readonly practice?: Bank;
}

/** A host for a page that owns its address. */
export function pageHost(): Host {
  const embedded = JSON.parse(document.getElementById("lab-data")?.textContent || "{}") as Embedded;
  const address = () => location.hash.slice(1);
  const token = takeToken();
  let pending: ReturnType<typeof setTimeout> | undefined;
  return {
    opening: address() || embedded.settings || "",
    remember(settings) {
      // Browsers allow about a hundred changes in half a minute; a dragged slider makes more.
      clearTimeout(pending);
      pending = setTimeout(() => {
        try {
          history.replaceState(null, "", `#${settings}`);
        } catch {
          // A page inside a sandbox has no address of its own.
        }
      }, 200);
    },
    listen: (callback) => addEventListener("hashchange", () => callback(address())),
    tables: (embedded.tables ?? []).map(unpacked),
    practice: embedded.practice ?? null,
    source: ownSource,
    server: token === null ? null : serverWith(token),
    linkable: location.protocol !== "about:",
  };
}

/** A host inside a notebook's widget. */
export function widgetHost(model: Model): Host {
  return {
    opening: String(model.get("settings") ?? ""),
    remember(settings) {
      if (model.get("settings") === settings) return;
      model.set("settings", settings);
      model.save_changes();
    },
    listen: (callback) => model.on("change:settings", () => callback(String(model.get("settings")))),
    tables: ((model.get("tables") as Packed[] | undefined) ?? []).map(unpacked),
    practice: (model.get("practice") as Bank | undefined) ?? null,
    source: null,
    server: null,
    linkable: false,
  };
}

// The entry code comes in the address that Python opened. It is traded for the token, which stays in
// this tab, and is taken out of the address, so that a copied link gives nothing away.
function takeToken(): Promise<string> | null {
  const meta = document.querySelector('meta[name="lab-server"]');
  if (!meta) return null;
  const params = new URLSearchParams(location.hash.slice(1));
  const code = params.get("code");
  const kept = sessionStorage.getItem("lab-token");
  if (code === null) return kept === null ? null : Promise.resolve(kept);
  params.delete("code");
  history.replaceState(null, "", `#${params}`);
  return fetch("api/enter", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ code }) })
    .then((answer) => (answer.ok ? answer.json() : { token: kept ?? "" }))
    .then(({ token }: { token: string }) => {
      sessionStorage.setItem("lab-token", token);
      return token;
    });
}

function serverWith(token: Promise<string>): Server {
  const headers = async (): Promise<Record<string, string>> => ({ "Content-Type": "application/json", "X-Lab-Token": await token });
  return {
    async get(path) {
      return fetch(`api/${path}`, { headers: { "X-Lab-Token": await token } });
    },
    async post(path, body, signal) {
      return fetch(`api/${path}`, { method: "POST", headers: await headers(), body: JSON.stringify(body), ...(signal ? { signal } : {}) });
    },
    async postPacked(path, body) {
      const small = new Blob([JSON.stringify(body)]).stream().pipeThrough(new CompressionStream("gzip"));
      const sent = { ...(await headers()), "Content-Encoding": "gzip" };
      return fetch(`api/${path}`, { method: "POST", headers: sent, body: await new Response(small).blob() });
    },
  };
}

async function ownSource(): Promise<{ script: string; style: string }> {
  const script = document.getElementById("lab-script") as HTMLScriptElement;
  const style = document.getElementById("lab-style") as HTMLElement;
  const fetched = async (url: string) => (await fetch(url)).text();
  return {
    script: script.src ? await fetched(script.src) : script.textContent!,
    style: style instanceof HTMLLinkElement ? await fetched(style.href) : style.textContent!,
  };
}

/** Text of a page in one file; the same page as downslope/lab/page.py writes. */
export function onePage({ script, style }: { script: string; style: string }, settings: string, tables: readonly Table[], practice: Bank | null): string {
  const embedded: Embedded = { settings, tables: tables.map(packed), ...(practice && { practice }) };
  const data = JSON.stringify(embedded).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<title>Downslope lab</title>
<style id="lab-style">${style}</style>
</head>
<body>
<div id="downslope-lab"></div>
<script type="application/json" id="lab-data">${data}</script>
<script type="module" id="lab-script">${script}</script>
</body>
</html>
`;
}
