import type { Static, TSchema } from "typebox";
import type { PluginCommand } from "./command.ts";
import type { Executor } from "./executor.ts";

/** What a plugin's factory may know about the project that uses it. */
export interface PluginContext {
  /** The folder of the project's configuration; relative paths in options start there. */
  readonly projectDir: string;
  /** A folder that the plugin may keep files in. */
  readonly dataDir: string;
  /** The environment of the process that runs the tasks, for programs that an executor starts. May hold secrets. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a plugin's author writes. */
export interface PluginSpec<Options extends TSchema> {
  readonly name: string;
  /** Schema of the options that a project may give; without it the plugin takes none. */
  readonly options?: Options;
  readonly executors: readonly Executor[] | ((options: Static<Options>, context: PluginContext) => readonly Executor[]);
  readonly commands?: readonly PluginCommand[];
}

/** A plugin as loaded: options are checked against the schema before `executors` is called. */
export interface Plugin {
  readonly kind: "stackyard-plugin";
  readonly name: string;
  readonly options?: TSchema;
  executors(options: unknown, context: PluginContext): readonly Executor[];
  readonly commands: readonly PluginCommand[];
}

/** The default export of a plugin's package. */
export function definePlugin<Options extends TSchema>(spec: PluginSpec<Options>): Plugin {
  const { executors } = spec;
  return {
    kind: "stackyard-plugin",
    name: spec.name,
    ...(spec.options === undefined ? {} : { options: spec.options }),
    // The loader has checked the options against the schema.
    executors: (options, context) =>
      typeof executors === "function" ? executors(options as Static<Options>, context) : executors,
    commands: spec.commands ?? [],
  };
}
