import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin, PluginReference } from "@stackyard/core";
import { Value } from "typebox/value";
import { tellFaults } from "../shell/tell-faults.ts";
import { isPlugin } from "./is-plugin.ts";
import { findTypeAdvice } from "./package-type.ts";
import { tellLoadError } from "./tell-load-error.ts";

/** A plugin with the options that the project gives it, checked. */
export interface LoadedPlugin {
  readonly plugin: Plugin;
  readonly options: unknown;
}

/** Plugins that could be loaded, and what is wrong with the others. */
export interface LoadedPlugins {
  readonly plugins: readonly LoadedPlugin[];
  readonly faults: readonly string[];
  /** What those that do not load have thrown. */
  readonly cause?: unknown;
}

/** Loads what the configuration names, by package or by path from the project's folder. Never throws. */
export async function loadPlugins(references: readonly PluginReference[], projectDir: string): Promise<LoadedPlugins> {
  const thrown: unknown[] = [];
  const noteThrown = (error: unknown) => thrown.push(error);
  const results = await Promise.all(references.map((reference) => loadPlugin(reference, projectDir, noteThrown)));
  return {
    plugins: results.flatMap((result) => (typeof result === "string" ? [] : [result])),
    faults: results.filter((result) => typeof result === "string"),
    ...(thrown.length === 0 ? {} : { cause: thrown.length === 1 ? thrown[0] : new AggregateError(thrown) }),
  };
}

/** The plugin with its options, or what is wrong with them. */
export function checkOptions(plugin: Plugin, options: unknown): LoadedPlugin | string {
  if (plugin.options === undefined) {
    return options === undefined ? { plugin, options } : `The plugin "${plugin.name}" takes no options.`;
  }
  const given = options ?? {};
  const faults = tellFaults(Value.Errors(plugin.options, given));
  return faults.length === 0 ? { plugin, options: given } : `Options of "${plugin.name}": ${faults.join(" ")}`;
}

async function loadPlugin(
  reference: PluginReference,
  projectDir: string,
  onThrown: (error: unknown) => void,
): Promise<LoadedPlugin | string> {
  const { use, options, ...more } = toUse(reference);
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) return `"${unknown}" is no key beside "use". Known: "use", "options".`;
  if (typeof use !== "string") return checkOptions(use, options);
  try {
    const module: unknown = await import(/* @vite-ignore */ toSpecifier(use, projectDir));
    const found = typeof module === "object" && module !== null && "default" in module ? module.default : undefined;
    if (isPlugin(found)) return checkOptions(found, options);
    return `The plugin "${use}" is none: its default export must come from \`definePlugin\`.`;
  } catch (error) {
    onThrown(error);
    return `The plugin "${use}" cannot be loaded: ${await tellWhy(error, use, projectDir)}`;
  }
}

async function tellWhy(error: unknown, use: string, projectDir: string): Promise<string> {
  const missing = error instanceof Error && "code" in error && /MODULE_NOT_FOUND$/.test(String(error.code));
  if (isPath(use)) {
    const path = resolve(projectDir, use);
    if (missing && !existsSync(path)) return `there is no file ${path}.`;
    return [await tellLoadError(error, path), findTypeAdvice(path)].filter((part) => part !== undefined).join(" ");
  }
  if (!missing || !tellError(error).includes(`'${use}'`)) return tellError(error);
  if (existsSync(join(projectDir, use))) return `there is no such package. A path begins with "./": "./${use}".`;
  return `the package is not installed. \`npm install ${use}\` does it; a path begins with "./".`;
}

function tellError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function toUse(reference: PluginReference): { readonly use: string | Plugin; readonly options?: unknown } {
  return typeof reference === "object" && "use" in reference ? reference : { use: reference };
}

function toSpecifier(use: string, projectDir: string): string {
  if (isPath(use)) return pathToFileURL(resolve(projectDir, use)).href;
  // As the project sees the package, not as this one does.
  return pathToFileURL(createRequire(join(projectDir, "stackyard.config.js")).resolve(use)).href;
}

function isPath(use: string): boolean {
  return use.startsWith(".") || isAbsolute(use);
}
