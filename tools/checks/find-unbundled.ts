import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { digestFiles, type Made, openMade } from "./made.ts";
import { parseManifest, sourceEntriesOf } from "./package-entries.ts";
import { repositoryRoot } from "./published-packages.ts";

/** What every bundle is made by, relative to the root. */
const BUILDERS = [
  ...["package-lock.json", "tsconfig.base.json", "tsup.base.ts", "vite.base.ts"],
  "tools/checks/{bundle,package-entries,published-packages,source-aliases}.ts",
];
/** What a bundle is made from, relative to its folder. */
const SOURCES = ["package.json", "*.html", "{tsup,vite}.*.ts", "src/**/*.*"];

/** A package or an app whose bundles are missing, or were made from other files. */
export interface Unbundled {
  /** Absolute. */
  readonly folder: string;
  readonly name: string;
  readonly made: Made;
  /** Of what its bundles are to be made from. */
  readonly digest: string;
}

/** A package or an app with a build. */
interface Unit {
  readonly folder: string;
  readonly name: string;
  /** Names of what it has sources of in its bundles. */
  readonly within: readonly string[];
  readonly bundles: readonly string[];
}

/**
 * Returns the packages whose bundles are missing or were made from other files; programs come last, because the file of one means
 * that everything is there. With `withApps`, apps follow.
 */
export function findUnbundled(root: string = repositoryRoot, withApps = false): Unbundled[] {
  const builders = list(BUILDERS, root);
  const folders = list(["packages/*/tsup.config.ts", ...(withApps ? ["apps/*/tsup.config.ts"] : [])], root).map(
    dirname,
  );
  const packages = new Map(list(["packages/*/package.json"], root).map((file) => [readJson(file).name, dirname(file)]));
  return folders
    .map((folder) => ({ unit: toUnit(folder, packages), rank: toRank(folder) }))
    .toSorted((one, other) => one.rank - other.rank || one.unit.name.localeCompare(other.unit.name))
    .flatMap(({ unit: { folder, name, within, bundles } }) => {
      const others = within.flatMap((each) => listSources(packages.get(each) ?? ""));
      const digest = digestFiles(root, [...new Set([...builders, ...listSources(folder), ...others])]);
      const made = openMade(root, relative(root, folder));
      const isThere = bundles.length > 0 && bundles.every((file) => existsSync(file));
      return isThere && made.isFrom(digest) ? [] : { folder, name, made, digest };
    });
}

/** A library has no sources of others in its bundles, a program and an app those of their dependencies, and pages all. */
function toUnit(folder: string, packages: ReadonlyMap<string, string>): Unit {
  const json = readJson(join(folder, "package.json"));
  const { name, bin } = parseManifest(json);
  if (isApp(folder)) {
    return { folder, name, within: follow(json.dependencies, packages), bundles: list(["dist/**/*.{js,mjs}"], folder) };
  }
  const pages = globSync("*.html", { cwd: folder });
  const taken = pages.length > 0 ? json.devDependencies : Object.keys(bin).length > 0 ? json.dependencies : {};
  const entries = Object.keys(sourceEntriesOf(json)).map((entry) => `${entry}.js`);
  const bundles = [...entries, ...pages].map((file) => join(folder, "dist", file));
  return { folder, name, within: follow(taken, packages), bundles };
}

/** Returns these packages of the repository, and those on which they depend. */
function follow(dependencies: object | undefined, packages: ReadonlyMap<string, string>): readonly string[] {
  const found = new Set(Object.keys(dependencies ?? {}).filter((name) => packages.has(name)));
  for (const name of found) {
    const next = readJson(join(packages.get(name) ?? "", "package.json")).dependencies ?? {};
    for (const each of Object.keys(next)) if (packages.has(each)) found.add(each);
  }
  return [...found];
}

function toRank(folder: string): number {
  if (isApp(folder)) return 2;
  return readJson(join(folder, "package.json")).bin === undefined ? 0 : 1;
}

function isApp(folder: string): boolean {
  return dirname(folder).endsWith("apps");
}

interface Json {
  readonly name: string;
  readonly bin?: object;
  readonly dependencies?: object;
  readonly devDependencies?: object;
}

function readJson(file: string): Json {
  return JSON.parse(readFileSync(file, "utf8"));
}

function listSources(folder: string): string[] {
  return list(SOURCES, folder).filter((file) => !/\.test(?:-d)?\.tsx?$|__snapshots__/.test(file));
}

function list(patterns: readonly string[], folder: string): string[] {
  return globSync(patterns, { cwd: folder }).map((file) => join(folder, file));
}
