// Builds the lab into src/downslope/lab/static: one module, one style sheet, and the licences of
// what is inside. Fetches nothing.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "..", "src", "downslope", "lab", "static");
const LARGEST = 150_000;

// d3-array makes some of its functions by calling others, which a bundler must keep unless it is told
// that nothing else comes of the call.
const makers = {
  name: "makers of functions",
  setup({ onLoad }) {
    onLoad({ filter: /d3-array\.mjs$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(
        /= ((?:ascendingBisect|bisector\(number\))\.\w+|(?:Blur2|bisector|shuffler)\([\w.]+\));/g,
        "= /* @__PURE__ */ (() => $1)();",
      ),
      loader: "js",
    }));
  },
};

const { metafile } = await build({
  entryPoints: { lab: join(here, "src", "index.tsx") },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  // Calls with children as arguments are shorter than objects with a field for them: 3 kB of 150.
  jsx: "transform",
  jsxFactory: "h",
  jsxFragment: "Fragment",
  tsconfigRaw: {},
  inject: [join(here, "src", "jsx.ts")],
  plugins: [makers],
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});

const inside = new Set(
  Object.keys(metafile.inputs)
    .map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
    .filter(Boolean),
);
const licences = [...inside].sort().map((name) => {
  const folder = join(here, "node_modules", name);
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} comes without a licence file`);
  return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
});
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "THIRD_PARTY_LICENSES.txt"), licences.join(`\n${"-".repeat(72)}\n\n`));

const size = readFileSync(join(out, "lab.js")).length;
console.log(`lab.js: ${(size / 1000).toFixed(1)} kB`);
if (size > LARGEST) throw new Error(`lab.js has ${size} bytes; the limit is ${LARGEST}`);
