import type { Plugin, PluginReference } from "@stackyard/core";
import { Value } from "typebox/value";
import { tellFaults } from "../shell/tell-faults.ts";
import { isPlugin } from "./is-plugin.ts";
import { importFromProject, tellImportError } from "./project-module.ts";

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
    const { default: found } = await importFromProject(use, projectDir);
    if (isPlugin(found)) return checkOptions(found, options);
    return `The plugin "${use}" is none: its default export must come from \`definePlugin\`.`;
  } catch (error) {
    onThrown(error);
    return `The plugin "${use}" cannot be loaded: ${await tellImportError(error, use, projectDir)}`;
  }
}

function toUse(reference: PluginReference): { readonly use: string | Plugin; readonly options?: unknown } {
  return typeof reference === "object" && "use" in reference ? reference : { use: reference };
}
