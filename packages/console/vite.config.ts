import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build, defineConfig, type Plugin } from "vite";
import { sourceAliases } from "../../vite.base.ts";
import { incidentBuild } from "./vite.incident.ts";
import { smallTypebox } from "./vite.typebox.ts";

const outDir = join(import.meta.dirname, "dist");

/** Writes `x.br` and `x.gz` next to each asset, so that a server compresses nothing. */
function precompress(): Plugin {
  return {
    name: "precompress",
    apply: "build",
    // Assets of earlier builds have other names and would stay.
    buildStart: () => rmSync(join(outDir, "assets"), { recursive: true, force: true }),
    closeBundle() {
      const assets = join(outDir, "assets");
      for (const name of readdirSync(assets).filter((file) => /\.(js|css|svg)$/.test(file))) {
        const file = join(assets, name);
        const bytes = readFileSync(file);
        writeFileSync(`${file}.br`, brotliCompressSync(bytes));
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

/** Writes `incident.html`, which shares no file with the console. */
function incidentPage(): Plugin {
  return {
    name: "incident-page",
    apply: "build",
    closeBundle: async () => void (await build(incidentBuild(outDir))),
  };
}

// Only the layout worker lays graphs out. Of the library, whose package does not say that it acts on nothing when it is read,
// all others would keep what they never call.
const treeshake = { moduleSideEffects: [{ test: /node_modules.(@dagrejs|typebox)./, sideEffects: false }] };

export default defineConfig({
  root: import.meta.dirname,
  // From the sources of the SDK and of core, so that the order of builds does not matter.
  resolve: { alias: sourceAliases },
  html: { cspNonce: "__NONCE__" },
  worker: { format: "es", plugins: () => [smallTypebox()], rollupOptions: { treeshake } },
  plugins: [precompress(), incidentPage()],
  build: {
    outDir,
    // Read by tools/checks/console-budgets.ts.
    manifest: true,
    license: { fileName: "LICENSES.md" },
    // dist/index.js is written by tsup.
    emptyOutDir: false,
    target: "es2022",
    // Inlined assets would be data: addresses, which the content security policy forbids for scripts and fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { index: "index.html", editor: "editor.html" },
      // Small parts of several pages are one file: alone, each compresses badly.
      output: {
        codeSplitting: {
          groups: [{ name: "shared", test: /console.src.(design|text)./, minShareCount: 6 }],
        },
      },
      treeshake,
      // "use client" concerns servers that render, which the console has none of.
      onwarn(warning, warn) {
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
    },
  },
});
