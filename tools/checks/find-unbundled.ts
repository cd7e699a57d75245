import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseManifest, sourceEntriesOf } from "./package-entries.ts";
import { findPublishedPackages, type PublishedPackage, repositoryRoot } from "./published-packages.ts";

/** What every bundle is made by, relative to the root. */
const CONFIGURATION = ["tsup.base.ts", "package-lock.json"];

/** Packages whose sources a program takes in parts. */
const WITHIN_PROGRAMS = ["core", "sdk", "executor-terraform", "executor-lambda"];

/** A package or an app. */
export interface Unbundled {
  /** Absolute. */
  readonly folder: string;
  readonly name: string;
}

/** Returns the packages of the repository with a bundle that is missing or older than a source; programs come last. */
export function findUnbundled(root: string = repositoryRoot): Unbundled[] {
  const configuration = list(CONFIGURATION, root);
  const programs = ({ manifest }: Pick<PublishedPackage, "manifest">) => Object.keys(manifest.bin).length;
  return findPublishedPackages(root)
    .filter(({ folder, manifest }) => {
      const entries = Object.keys(sourceEntriesOf(manifest)).map((name) => `${name}.js`);
      const bundles = [...entries, ...globSync("*.html", { cwd: folder })].map((name) => join(folder, "dist", name));
      const within = programs({ manifest }) === 0 ? [] : WITHIN_PROGRAMS;
      const others = within.flatMap((name) => listSources(join(root, "packages", name)));
      return isOlder(bundles, [...configuration, ...others, ...listSources(folder)]);
    })
    .sort((a, b) => programs(a) - programs(b))
    .map(({ folder, manifest }) => ({ folder, name: manifest.name }));
}

/** Returns the apps with bundles that are missing or older than a source, or than a bundle of the packages within them. */
export function findUnbundledApps(root: string = repositoryRoot): Unbundled[] {
  const inputs = list([...CONFIGURATION, "packages/*/dist/**/*.js"], root);
  return list(["apps/*/tsup.config.ts"], root)
    .map(dirname)
    .filter((folder) => {
      const bundles = list(["dist/**/*.{js,mjs}"], folder);
      return bundles.length === 0 || isOlder(bundles, [...inputs, ...listSources(folder)]);
    })
    .map((folder) => ({
      folder,
      name: parseManifest(JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))).name,
    }));
}

function listSources(folder: string): string[] {
  return list(["package.json", "tsup.config.ts", "*.html", "src/**/*.{ts,tsx,css,svg}"], folder).filter(
    (file) => !/\.test(-d)?\.tsx?$/.test(file),
  );
}

function list(patterns: readonly string[], folder: string): string[] {
  return globSync(patterns, { cwd: folder }).map((file) => join(folder, file));
}

function isOlder(bundles: readonly string[], inputs: readonly string[]): boolean {
  if (!bundles.every((file) => existsSync(file))) return true;
  const changedAt = Math.max(...inputs.map((file) => statSync(file).mtimeMs));
  return bundles.some((file) => statSync(file).mtimeMs < changedAt);
}
