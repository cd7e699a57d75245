import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Options } from "tsup";
import { libraryOf } from "../../tsup.base.ts";
import { DIRECT_WORDS } from "./src/direct-words.ts";

type Plugin = NonNullable<Options["esbuildPlugins"]>[number];

const folder = import.meta.dirname;
const library = libraryOf(folder);

/** Files that are builds of their own, so that they need no other, by the name of their source. */
const APART: ReadonlyMap<string, string> = new Map([
  ["./start.ts", "./start/start.js"],
  ["./direct.ts", "./start/direct.js"],
  ["./command-line.ts", "./command-line.js"],
]);

const buildsApart: Plugin = {
  name: "builds-apart",
  setup(build) {
    build.onResolve({ filter: /^\.\/(?:start|direct|command-line)\.ts$/ }, ({ path, kind }) => {
      const built = kind === "dynamic-import" ? APART.get(path) : undefined;
      return built === undefined ? undefined : { path: built, external: true };
    });
  },
};

/** Takes of packages that need no SDK only what is used, which their own builds cannot offer. */
const partsOfSources: Plugin = {
  name: "parts-of-sources",
  setup(build) {
    const own =
      /^@stackyard\/(core|sdk|executor-terraform|executor-lambda|executor-command|promotion|sources)(?:\/(.*))?$/;
    build.onResolve({ filter: own }, ({ path }) => {
      const [, name = "", entry = ""] = own.exec(path) ?? [];
      if ((name !== "core" && name !== "sdk" && entry !== "definition") || entry === "artifacts")
        return { path, external: true };
      const file = entry === "definition" ? "definition.ts" : join(entry, "index.ts");
      return { path: join(folder, "..", name, "src", file), sideEffects: false };
    });
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

const ROW = /^ {2}(?:"([^"]+)"|([a-z]+)): async \(\) => \(await import\(("[^"]+")\)\)\.(\w+),$/;

/** Makes the table of commands that of the direct ones, which are all in one file: what loads when asked cannot be taken in parts. */
const directCommands: Plugin = {
  name: "direct-commands",
  setup(build) {
    build.onLoad({ filter: /[\\/]command-table\.ts$/ }, async ({ path }) => {
      const lines = (await readFile(path, "utf8"))
        .split("\n")
        .filter((line) => !/\bimport\(/.test(line) || isDirect(line));
      const imports = lines.flatMap((line) => {
        const [, , , file, name] = ROW.exec(line) ?? [];
        return file === undefined ? [] : `import { ${name} } from ${file};`;
      });
      const rows = lines.map((line) =>
        line.replace(ROW, (row, _a, _b, file, name) => row.replace(`(await import(${file})).${name}`, name)),
      );
      return { contents: [...imports, ...rows].join("\n"), loader: "ts" };
    });
    // The calls that a worker gives to executors: no direct command has a worker.
    build.onResolve({ filter: /[\\/]yard-calls\.ts$/ }, ({ path }) => ({ path, external: true }));
    // Modules that call AWS need the SDK, and are in the other build.
    build.onResolve({ filter: /\/yard\/(?:own-aws-access|aws-yard)\.ts$/ }, ({ path }) => ({
      path: `../${basename(path, ".ts")}.js`,
      external: true,
    }));
  },
};

function isDirect(line: string): boolean {
  const [, quoted, plain] = ROW.exec(line) ?? [];
  return DIRECT_WORDS.has((quoted ?? plain ?? "").split(" ")[0] ?? "");
}

/** Writes the licenses of the foreign packages in a build next to it, as their terms require. */
function licensesIn(name: string): Plugin {
  return {
    name: "licenses",
    setup(build) {
      build.initialOptions.metafile = true;
      build.onEnd(async ({ metafile }) => {
        const inputs = Object.keys(metafile?.inputs ?? {});
        const folders = [...new Set(inputs.flatMap((path) => PACKAGE.exec(path)?.[1] ?? []))].toSorted();
        const texts = await Promise.all(folders.map((each) => readLicense(join(folder, each))));
        // The outputs are written afterwards.
        await mkdir(join(folder, "dist/start"), { recursive: true });
        await writeFile(join(folder, "dist/start", `${name}.LICENSES.txt`), texts.join("\n\n"));
      });
    },
  };
}

/** The path of a package, from that of one of its files. */
const PACKAGE = /^(.*\bnode_modules[/](?:@[^/]+[/])?[^/]+)[/]/;

/** Throws for a package without a license: it must not be part of a build. */
async function readLicense(from: string): Promise<string> {
  const name = (await readdir(from)).find((each) => /^licen[cs]e/i.test(each));
  if (name === undefined) throw new Error(`${from} has no license file.`);
  const { name: title, version } = JSON.parse(await readFile(join(from, "package.json"), "utf8"));
  return `${title} ${version}\n\n${await readFile(join(from, name), "utf8")}`;
}

const main: Options = {
  ...library,
  entry: {
    bin: "src/bin.ts",
    "command-line": "src/command-line.ts",
    schema: "src/schema.ts",
    "aws-yard": "src/yard/aws-yard.ts",
    "own-aws-access": "src/yard/own-aws-access.ts",
  },
  esbuildPlugins: [...(library.esbuildPlugins ?? []), buildsApart],
  clean: ["!start/**", "!index.js"],
};

const apart: Options = {
  ...library,
  outDir: "dist/start",
  splitting: false,
  minify: true,
  noExternal: [/^(?!@aws-sdk\/|@smithy\/|@stackyard\/(?:aws|server|store-sqlite|telemetry))/],
  clean: false,
  esbuildOptions: (options) => {
    options.alias = { yaml: fileURLToPath(new URL("../../node_modules/yaml/browser/dist/index.js", import.meta.url)) };
  },
};

const start: Options = {
  ...apart,
  entry: { start: "src/start.ts" },
  esbuildPlugins: [partsOfSources, knownCommands, licensesIn("start")],
};

const direct: Options = {
  ...apart,
  entry: { direct: "src/direct.ts" },
  esbuildPlugins: [partsOfSources, directCommands, licensesIn("direct")],
};

/** A project's configuration imports it, for names that do nothing. */
const index: Options = {
  ...apart,
  outDir: "dist",
  entry: { index: "src/index.ts" },
  esbuildPlugins: [partsOfSources, buildsApart],
};

export default [main, index, start, direct];
