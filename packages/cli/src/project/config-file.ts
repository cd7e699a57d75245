import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { StackyardConfig } from "@stackyard/core";
import { failWith } from "../shell/failure.ts";
import { offerOwnPackages } from "./own-packages.ts";
import { findTypeAdvice } from "./package-type.ts";
import { parseConfig } from "./parse-config.ts";
import { tellLoadError } from "./tell-load-error.ts";

/** A folder with its configuration; without a file the defaults hold. */
export interface ConfigFile {
  readonly projectDir: string;
  /** Absolute; undefined: there is none. */
  readonly path?: string;
  readonly config: StackyardConfig;
}

/** Names under which the configuration is looked for, the first one wins. */
export const CONFIG_NAMES = [
  "stackyard.config.ts",
  "stackyard.config.mts",
  "stackyard.config.js",
  "stackyard.config.mjs",
  "stackyard.config.json",
] as const;

/**
 * Loads the configuration of a project: of `project`, or of the nearest folder from `cwd` upwards that has one. Throws
 * `CONFIG_INVALID` with all that is wrong.
 */
export async function loadConfigFile(cwd: string, project?: string): Promise<ConfigFile> {
  const path = project === undefined ? findUpwards(cwd) : findGiven(resolve(cwd, project));
  if (path === undefined) return { projectDir: resolve(cwd, project ?? "."), config: {} };
  const config = parseConfig(await loadValue(path), basename(path));
  return { projectDir: dirname(path), path, config };
}

function findUpwards(cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = findIn(folder);
    if (found !== undefined || folder === dirname(folder)) return found;
  }
}

function findIn(folder: string): string | undefined {
  return CONFIG_NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
}

function findGiven(path: string): string | undefined {
  if (!existsSync(path))
    throw failWith("CONFIG_INVALID", `There is no folder "${path}".`, { hint: "Check --project." });
  return statSync(path).isDirectory() ? findIn(path) : path;
}

async function loadValue(path: string): Promise<unknown> {
  try {
    if (extname(path) === ".json") return JSON.parse(await readFile(path, "utf8"));
    offerOwnPackages();
    const module: unknown = await import(/* @vite-ignore */ pathToFileURL(path).href);
    return typeof module === "object" && module !== null && "default" in module ? module.default : undefined;
  } catch (error) {
    const why = await tellLoadError(error, path);
    const hint = findTypeAdvice(path) ?? 'Its default export must be `defineConfig({ … })`, imported from "stackyard".';
    throw failWith("CONFIG_INVALID", `"${path}" cannot be loaded: ${why}`, { cause: error, hint });
  }
}
