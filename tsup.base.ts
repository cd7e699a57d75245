import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Options } from "tsup";
import { parseManifest, sourceEntriesOf } from "./tools/checks/package-entries.ts";

const TYPEBOX = /^typebox(\/|$)/;
/**
 * Typebox is 683 files, and reading them takes a process more than 100 ms. The build of core makes a few of them, which all
 * packages load. Schemas are plain data, so those that a user makes with Typebox itself fit.
 */
const typeboxOfCore: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "typebox-of-core",
  setup(build) {
    build.onResolve({ filter: TYPEBOX }, ({ path }) => {
      const [, module = "index"] = path.split("/");
      return { path: `@stackyard/core/typebox/${module}.js`, external: true };
    });
  },
};

/**
 * Bundles contain no schema that is a text (`Type.Script`) or whose keys are template literals, and Typebox's parser of
 * both is 25 kB that each start of a function would read.
 */
const withoutTypeScripts: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "without-type-scripts",
  setup(build) {
    build.onLoad({ filter: /[\\/]typebox[\\/]build[\\/]type[\\/]script[\\/]parser\.mjs$/ }, () => {
      const fail = `() => { throw new Error("Bundles cannot read types from texts."); }`;
      const names = ["Script", "Pattern", "TemplateLiteralTypes"];
      return { contents: names.map((name) => `export const ${name} = ${fail};`).join("\n") };
    });
  },
};

/**
 * Formats of international names, which no schema of ours has: 6 kB that each start of a function would read. A schema of a
 * plugin with one of them fails with its name.
 */
const withoutInternationalFormats: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "without-international-formats",
  setup(build) {
    const filter =
      /[\\/]typebox[\\/]build[\\/]format[\\/](?:idn_email|idn_hostname|iri|iri_reference|uri_reference)\.mjs$/;
    build.onLoad({ filter }, ({ path }) => {
      const format = basename(path, ".mjs");
      const name = `Is${format.replace(/(?:^|_)([a-z])/g, (_, first: string) => first.toUpperCase())}`;
      const message = `Bundles cannot check the format ${format.replace("_", "-")}.`;
      return { contents: `export function ${name}() { throw new Error(${JSON.stringify(message)}); }` };
    });
  },
};

/**
 * The build of one published package: an entry per export of its package.json, `dist/x.js` from `src/x.ts`.
 * tsup 9 strips `node:` by default, which breaks a built `node:sqlite` import, so that stays off.
 */
export function libraryOf(folder: string): Options {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return {
    entry: sourceEntriesOf(manifest),
    noExternal: [TYPEBOX],
    esbuildPlugins: parseManifest(manifest).name === "@stackyard/core" ? [] : [typeboxOfCore],
    format: "esm",
    target: "node22",
    platform: "node",
    splitting: true,
    sourcemap: false,
    clean: true,
    removeNodeProtocol: false,
  };
}

const REQUIRE = 'import { createRequire as toRequire } from "node:module"; const require = toRequire(import.meta.url);';

/** What is CommonJS in a bundle calls `require`, which modules do not have. Most files of a bundle contain nothing of it. */
const withRequire: NonNullable<Options["plugins"]>[number] = {
  name: "with-require",
  renderChunk: (code) => (/\brequire\b/.test(code) ? { code: `${REQUIRE}\n${code}` } : undefined),
};

/**
 * The builds of one app, each a folder that needs no node_modules: `dist/lambda` from `src/index.ts`, without the SDK, which
 * the runtimes of Lambda bring along; `dist/container` from `src/main.ts`, where there is one, and from what else is named.
 */
export function appOf(folder: string, inContainer: Readonly<Record<string, string>> = {}): Options[] {
  const bundle: Options = {
    format: "esm",
    target: "node22",
    platform: "node",
    splitting: true,
    minify: true,
    clean: true,
    removeNodeProtocol: false,
    outExtension: () => ({ js: ".mjs" }),
    plugins: [withRequire],
    esbuildPlugins: [withoutTypeScripts, withoutInternationalFormats],
  };
  const ofLambda: Options = {
    ...bundle,
    entry: { index: "src/index.ts" },
    outDir: "dist/lambda",
    external: [/^@aws-sdk\//, /^@smithy\//, "pg-native"],
    noExternal: [/^(?!@aws-sdk\/|@smithy\/|pg-native$)/],
  };
  const ofContainer: Options = {
    ...bundle,
    entry: { main: "src/main.ts", ...inContainer },
    outDir: "dist/container",
    external: ["pg-native"],
    noExternal: [/^(?!pg-native$)/],
  };
  return existsSync(join(folder, "src/main.ts")) ? [ofLambda, ofContainer] : [ofLambda];
}

/**
 * Functions as single files that a template holds as text, in `dist/inline`. Lambda writes such a text into an `index.js`
 * without a package.json, so they are CommonJS ("AWS::Lambda::Function Code", `ZipFile`). Each begins with `head`, for people who
 * open it in the console.
 */
export function inlineOf(entry: Readonly<Record<string, string>>, head: readonly string[]): Options {
  return {
    entry: { ...entry },
    banner: { js: ["/*!", ...head.map((line) => ` * ${line}`), " */"].join("\n") },
    outDir: "dist/inline",
    format: "cjs",
    target: "node22",
    platform: "node",
    splitting: false,
    minify: true,
    clean: true,
    removeNodeProtocol: false,
    outExtension: () => ({ js: ".js" }),
    external: [/^@aws-sdk\//, /^@smithy\//],
    noExternal: [/^(?!@aws-sdk\/|@smithy\/)/],
  };
}

/** A GitHub Action: one file that needs no node_modules, `dist/index.mjs` from `src/main.ts`. */
export function actionOf(): Options {
  return {
    entry: { index: "src/main.ts" },
    banner: { js: REQUIRE },
    format: "esm",
    target: "node24",
    platform: "node",
    splitting: false,
    minify: true,
    clean: true,
    removeNodeProtocol: false,
    outExtension: () => ({ js: ".mjs" }),
    noExternal: [/./],
    metafile: true,
  };
}
