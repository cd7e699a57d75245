import { join } from "node:path";
import type { Executor, PluginContext } from "@stackyard/core";
import { failWith } from "../shell/failure.ts";
import { findNearestName } from "../shell/nearest-name.ts";
import type { ConfigFile } from "./config-file.ts";
import { checkOptions, type LoadedPlugin, loadPlugins } from "./load-plugins.ts";

/** The executors that come with the command line. */
export const BUILT_IN = ["terraform", "lambda"] as const;

/** What is loaded of a project: `plugins` leaves out the built-in executors, whose names every machine knows. */
export type ExecutorScope = "all" | "plugins";

/**
 * The executors of a project by name; they may hand the environment on to programs. Throws one `CONFIG_INVALID` that lists
 * every plugin that does not load and every option that does not fit.
 */
export async function loadExecutors(
  file: ConfigFile,
  scope: ExecutorScope,
  environment: PluginContext["environment"],
): Promise<ReadonlyMap<string, Executor>> {
  const { config, projectDir } = file;
  // Their options are checked in any case.
  const builtIn = scope === "all" || config.executors !== undefined ? await loadBuiltIn(config.executors ?? {}) : [];
  const { plugins, faults, cause } = await loadPlugins(config.plugins ?? [], projectDir);
  const context = { projectDir, dataDir: dataDirOf(file), environment };
  const executors = new Map<string, Executor>();
  const more = [
    ...builtIn.map((loaded) => {
      if (scope === "plugins") return typeof loaded === "string" ? loaded : undefined;
      return addExecutors(executors, loaded, { ...context, taken: [] });
    }),
    ...plugins.map((loaded) => addExecutors(executors, loaded, { ...context, taken: BUILT_IN })),
  ];
  const all = [...tellUnknownNames(config.executors ?? {}), ...faults, ...more.filter((fault) => fault !== undefined)];
  if (all.length === 0) return executors;
  const message = `The project's executors cannot be set up:${all.map((fault) => `\n  - ${fault}`).join("")}`;
  throw failWith("CONFIG_INVALID", message, {
    hint: `Correct ${file.path ?? "stackyard.config.ts"} and try again.`,
    cause,
  });
}

/** Where a project's store, token and working files lie; absolute. */
export function dataDirOf({ config, projectDir }: ConfigFile): string {
  return toAbsolute(projectDir, config.dataDir ?? ".stackyard");
}

/** Where a project's machines lie; absolute. */
export function machinesDirOf({ config, projectDir }: ConfigFile): string {
  return toAbsolute(projectDir, config.machines ?? "machines");
}

function toAbsolute(projectDir: string, path: string): string {
  return path.startsWith("/") ? path : join(projectDir, path);
}

async function loadBuiltIn(options: Readonly<Record<string, unknown>>): Promise<readonly (LoadedPlugin | string)[]> {
  const [terraform, lambda] = await Promise.all([
    import("@stackyard/executor-terraform"),
    import("@stackyard/executor-lambda"),
  ]);
  return [checkOptions(terraform.default, options["terraform"]), checkOptions(lambda.default, options["lambda"])];
}

function tellUnknownNames(options: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(options)
    .filter((name) => !BUILT_IN.some((known) => known === name))
    .map((name) => {
      const near = findNearestName(name, BUILT_IN);
      const advice = near ? `Did you mean "${near}"?` : "Options of plugins stand beside them: { use, options }.";
      return `"executors.${name}": only ${BUILT_IN.join(" and ")} are built in. ${advice}`;
    });
}

function addExecutors(
  executors: Map<string, Executor>,
  loaded: LoadedPlugin | string,
  { taken, ...context }: PluginContext & { readonly taken: readonly string[] },
): string | undefined {
  if (typeof loaded === "string") return loaded;
  const { plugin, options } = loaded;
  try {
    for (const executor of plugin.executors(options, context)) {
      if (!isExecutor(executor)) return `The plugin "${plugin.name}" brings what \`defineExecutor\` has not made.`;
      const { name } = executor;
      if (taken.includes(name)) return `The plugin "${plugin.name}" brings an executor "${name}", which is built in.`;
      if (executors.has(name)) return `Two plugins bring an executor "${name}".`;
      executors.set(name, executor);
    }
    return undefined;
  } catch (error) {
    return `The plugin "${plugin.name}" failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

// A plugin in plain JavaScript may give anything, and the worker would find out when a task runs.
function isExecutor(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const parts = new Map<string, unknown>(Object.entries(value));
  const config = parts.get("config");
  const hasSchema = typeof config === "object" && config !== null;
  return typeof parts.get("name") === "string" && hasSchema && typeof parts.get("start") === "function";
}
