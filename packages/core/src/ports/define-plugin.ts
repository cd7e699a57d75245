import type { Static, TSchema } from "typebox";
import type { Problem } from "../machine/document/problem-list.ts";
import { defined } from "../machine/json.ts";
import type { Machine } from "../machine/machine.ts";
import type { AccountNames } from "./account-names.ts";
import type { Command } from "./command.ts";
import type { Executor, ProvidedService } from "./executor.ts";
import type { PluginService, ServiceDeps } from "./plugin-service.ts";
import type { ConfiguredYards } from "./yard-config.ts";

/** The facts about the project that a plugin's factory receives. */
export interface PluginContext {
  /** The folder of the project's configuration; relative paths in options start there. */
  readonly projectDir: string;
  /** A folder that the plugin may keep files in. */
  readonly dataDir: string;
  /** The environment of the process that runs the tasks, for programs that an executor starts. May contain secrets. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where people reach the servers of the yard: `server.url` of the configuration. Undefined: it is not known. */
  readonly url?: string | undefined;
  /** Where the routes of services are reached, if not at `url`: `server.servicesUrl` of the configuration. */
  readonly servicesUrl?: string | undefined;
}

/** The context in which a plugin creates its executors. */
export interface ExecutorsContext extends PluginContext, Pick<ServiceDeps, "readSecret"> {}

/** The context in which a plugin provides services to executors. */
export interface ProvidingContext extends ExecutorsContext, Pick<ServiceDeps, "clock"> {}

/** Machines by name, such as those of a project's folder. A locator is one. */
export interface MachineSource {
  find(
    name: string,
  ): Promise<
    { readonly kind: "found"; readonly machine: Machine } | { readonly kind: "invalid" } | { readonly kind: "unknown" }
  >;
}

/** The context in which a plugin checks the project's documents. */
export interface CheckContext extends Pick<PluginContext, "projectDir"> {
  /** The machines of the project. */
  readonly machines: MachineSource;
}

/** A document of a plugin, and all its problems. */
export interface DocumentReport {
  /** Relative to the project, for people. */
  readonly file: string;
  readonly problems: readonly Problem[];
}

/** The input of `definePlugin`, written by a plugin's author. */
interface PluginSpec<Options extends TSchema> {
  readonly name: string;
  /** Schema of the options that a project may set; without it the plugin has no options. */
  readonly options?: Options;
  readonly executors:
    | readonly Executor[]
    | ((options: Static<Options>, context: ExecutorsContext) => readonly Executor[]);
  readonly commands?: readonly PluginCommand[];
  /** The services that the yard's servers run. */
  readonly services?:
    | readonly PluginService[]
    | ((options: Static<Options>, context: PluginContext) => readonly PluginService[]);
  /** Returns the services that executors of all plugins get by `ctx.service(key)` in the yard's workers. */
  readonly provides?: (options: Static<Options>, context: ProvidingContext) => readonly ProvidedService[];
  /** Checks the plugin's documents for `stackyard validate`. Only reads. Throws `CONFIG_INVALID` for a missing folder. */
  readonly check?: (options: Static<Options>, context: CheckContext) => Promise<readonly DocumentReport[]>;
  /** Returns the addresses that the services call, for `stackyard doctor`, which tries each. */
  readonly addresses?: (options: Static<Options>, context: ExecutorsContext) => Promise<readonly string[]>;
}

/** A plugin as loaded: options are checked against the schema before `executors` or `services` is called. */
export interface Plugin {
  readonly kind: "stackyard-plugin";
  readonly name: string;
  readonly options?: TSchema;
  executors(options: unknown, context: ExecutorsContext): readonly Executor[];
  readonly commands: readonly PluginCommand[];
  /** Returns the services for the yard's servers. Missing without services. */
  services?(options: unknown, context: PluginContext): readonly PluginService[];
  /** Returns the services for executors. Missing without services. */
  provides?(options: unknown, context: ProvidingContext): readonly ProvidedService[];
  /** Checks the plugin's documents in a project. Missing without documents. */
  check?(options: unknown, context: CheckContext): Promise<readonly DocumentReport[]>;
  /** Returns the addresses that the services call. Missing without any. */
  addresses?(options: unknown, context: ExecutorsContext): Promise<readonly string[]>;
}

/** Creates the default export of a plugin's package. */
export function definePlugin<Options extends TSchema>(spec: PluginSpec<Options>): Plugin {
  const { executors, services = [], provides, check, addresses } = spec;
  return {
    kind: "stackyard-plugin",
    name: spec.name,
    ...defined({ options: spec.options }),
    // The loader has checked the options against the schema.
    executors: (options, context) =>
      typeof executors === "function" ? executors(options as Static<Options>, context) : executors,
    commands: spec.commands ?? [],
    services: (options, context) =>
      typeof services === "function" ? services(options as Static<Options>, context) : services,
    provides: (options, context) => provides?.(options as Static<Options>, context) ?? [],
    ...(check && { check: (options, context) => check(options as Static<Options>, context) }),
    addresses: async (options, context) => addresses?.(options as Static<Options>, context) ?? [],
  };
}

/** The output of a command, which adapts to a terminal, a pipe and `--json`. A command does not print by itself. */
export interface CommandOutput {
  /** Width of the terminal that shows the results; tables fit it. Undefined in a pipe and with `--json`: no limit. */
  readonly columns?: number | undefined;
  /** Prints the result: as one JSON object with `--json`, else as the text. */
  result(value: unknown, toText: () => string): void;
  /**
   * Reports one step of long work: a live line in a terminal, a plain line in a pipe, one object per line with
   * `--json`. With `toBlock`, a terminal with `columns` columns shows its lines instead and redraws them in place. They
   * may have colors, which are removed where the output does not support them.
   */
  progress(value: Readonly<Record<string, unknown>>, toText: () => string, toBlock?: (columns: number) => string): void;
  /** Prints a note for people to standard error; nothing with `--json`. */
  note(text: string): void;
}

/** The context of a plugin's command. */
export interface PluginCommandContext {
  readonly out: CommandOutput;
  /** Relative paths that are given start here. */
  readonly cwd: string;
  readonly projectDir: string;
  /** The folder of the project's working files; absolute. */
  readonly dataDir: string;
  /** The environment of the command line. May contain secrets. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The machines of the project's folder. Missing without such a folder. */
  readonly machines?: MachineSource;
  /** The yards of the project's configuration. */
  readonly yards: ConfiguredYards;
  /** Names of AWS accounts, of the project's configuration. Default: none. */
  readonly accounts?: AccountNames;
  /** Address and token of the yard's server, from flags, environment or data folder. */
  readonly server: { readonly url: string; readonly token?: string };
  readonly signal: AbortSignal;
}

/**
 * A command that a plugin adds to the command line, such as `fleet plan`. `--url`, `--token`, `--yard` and `--project`
 * locate the server, unless the command declares them itself.
 */
export type PluginCommand = Command<PluginCommandContext>;

/** A plugin by package name or path, or the plugin itself; with options where it takes some. */
export type PluginReference = string | Plugin | { readonly use: string | Plugin; readonly options?: unknown };
