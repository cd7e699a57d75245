import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Options } from "tsup";
import { libraryOf } from "../../tsup.base.ts";

type Plugin = NonNullable<Options["esbuildPlugins"]>[number];

const folder = import.meta.dirname;
const library = libraryOf(folder);
const core = join(folder, "../core/src");

/** The file that answers quickly is a build of its own, which needs no other. */
const quickStartApart: Plugin = {
  name: "quick-start-apart",
  setup(build) {
    build.onResolve({ filter: /^\.\/start\.ts$/ }, () => ({ path: "./start/start.js", external: true }));
  },
};

/** Takes of core only what is used, which a build of core cannot offer. */
const partsOfCore: Plugin = {
  name: "parts-of-core",
  setup(build) {
    build.onResolve({ filter: /^@stackyard\/core$/ }, () => ({ path: join(core, "index.ts"), sideEffects: false }));
  },
};

/** Puts the facts of the commands in place of the program that reads them from the commands. */
const knownCommands: Plugin = {
  name: "known-commands",
  setup(build) {
    build.onLoad({ filter: /[\\/]known-commands\.ts$/ }, async ({ path }) => {
      const { loadKnownCommands } = await import(pathToFileURL(path).href);
      const text = JSON.stringify(JSON.stringify(await loadKnownCommands()));
      return { contents: `export const loadKnownCommands = async () => JSON.parse(${text});` };
    });
  },
};

const main: Options = {
  ...library,
  esbuildPlugins: [...(library.esbuildPlugins ?? []), quickStartApart],
  clean: ["!start/**"],
};

const start: Options = {
  ...library,
  entry: { start: "src/start.ts" },
  outDir: "dist/start",
  splitting: false,
  minify: true,
  noExternal: [/./],
  esbuildPlugins: [partsOfCore, knownCommands],
};

export default [main, start];
