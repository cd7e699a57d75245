import { lstatSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** File names of the configuration; the first one found wins. */
export const CONFIG_NAMES = [
  "stackyard.config.ts",
  "stackyard.config.mts",
  "stackyard.config.js",
  "stackyard.config.mjs",
  "stackyard.config.json",
] as const;

/** Returns the configuration of the nearest folder from `cwd` upwards that has one. */
export function findConfigUpwards(cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = findConfigIn(folder);
    if (found !== undefined || folder === dirname(folder)) return found;
  }
}

/** Returns the configuration of a folder. */
export function findConfigIn(folder: string): string | undefined {
  return listConfigsIn(folder)[0];
}

/**
 * Returns all configurations of a folder: more than one is a mistake, such as a copy that was forgotten. A link that leads nowhere is
 * one, too: the defaults must not apply in its place.
 */
export function listConfigsIn(folder: string): readonly string[] {
  return CONFIG_NAMES.map((name) => join(folder, name)).filter(
    (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  );
}

/** Imports of modules without plugins, lists as values, and keys that are plain words. */
const HARMLESS = [
  /^[^\S\n]*import\s+(?:type\s+)?[\w\s{},*$]+\s+from\s+["'](?:stackyard|node:[a-z/_]+)["'];?\s*$/gm,
  /:\s*\[/g,
  /\[\s*(["'])\w*\1\s*\]/g,
];
/** Syntax that may add a plugin: a spread or computed key, another module, and escaped names. */
const SUSPICIOUS = /\.\.\.|\[|\bimport\b(?!\.meta)|\brequire\b|\bexport\b(?!\s+default\b)|\beval\b|\\u|\\x/i;

/**
 * Returns true if the text of a configuration, which is not run, shows that it has no plugins: it imports nothing but this
 * package and Node's modules, and names none. False says nothing.
 */
export function hasNoPlugins(path: string): boolean {
  const text = readFileSync(path, "utf8");
  if (/plugin/i.test(text)) return false;
  return !SUSPICIOUS.test(HARMLESS.reduce((rest, pattern) => rest.replace(pattern, " "), text));
}
