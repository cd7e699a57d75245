import type { Static, TSchema } from "typebox";
import type { AccessConfig } from "../access/access-config.ts";
import { defined } from "../machine/json.ts";
import type { Command } from "./command.ts";
import type { Executor, ProvidedService } from "./executor.ts";
import type { PluginService, ServiceDeps } from "./plugin-service.ts";

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

/** The context in which a plugin provides services to executors. */
export interface ProvidingContext extends PluginContext, Pick<ServiceDeps, "clock" | "readSecret"> {}

/** The input of `definePlugin`, written by a plugin's author. */
interface PluginSpec<Options extends TSchema> {
  readonly name: string;
  /** Schema of the options that a project may set; without it the plugin has no options. */
  readonly options?: Options;
  readonly executors: readonly Executor[] | ((options: Static<Options>, context: PluginContext) => readonly Executor[]);
  readonly commands?: readonly PluginCommand[];
  /** The services that the yard's servers run. */
  readonly services?:
    | readonly PluginService[]
    | ((options: Static<Options>, context: PluginContext) => readonly PluginService[]);
  /** Returns the services that executors of all plugins get by `ctx.service(key)` in the yard's workers. */
  readonly provides?: (options: Static<Options>, context: ProvidingContext) => readonly ProvidedService[];
}

/** A plugin as loaded: options are checked against the schema before `executors` or `services` is called. */
export interface Plugin {
  readonly kind: "stackyard-plugin";
  readonly name: string;
  readonly options?: TSchema;
  executors(options: unknown, context: PluginContext): readonly Executor[];
  readonly commands: readonly PluginCommand[];
  /** Returns the services for the yard's servers. Missing when there are none. */
  services?(options: unknown, context: PluginContext): readonly PluginService[];
  /** Returns the services for executors. Missing when there are none. */
  provides?(options: unknown, context: ProvidingContext): readonly ProvidedService[];
}

/** Creates the default export of a plugin's package. */
export function definePlugin<Options extends TSchema>(spec: PluginSpec<Options>): Plugin {
  const { executors, services = [], provides } = spec;
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
  /** The yards of the project's configuration. */
  readonly yards: ConfiguredYards;
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

/**
 * A store by name (`sqlite`, `postgres`), package or path; the other keys are the store's own options. A package
 * exports `createStore(options, { projectDir, environment, logger, migrate })`, which resolves with a `Store`; with
 * `migrate: false` it is opened for reading only, without migrations.
 */
type StoreReference = string | { readonly type: string; readonly [option: string]: unknown };

/** `stackyard.config.ts`: read by the command line, `dev`, `server` and `worker`. */
export interface StackyardConfig {
  /** The folder of machine documents (`.yml`, `.yaml`, `.json`, `.ts`). Default: `machines`. */
  readonly machines?: string;
  /** The folder of the embedded store, the token and working files. Default: `.stackyard`. */
  readonly dataDir?: string;
  /**
   * The store of all state. Default: `sqlite`, in `dataDir`, for one process; `server` and `worker` use `postgres` when
   * the environment has `DATABASE_URL`.
   */
  readonly store?: StoreReference;
  /** Beside the built-in `terraform` and `lambda`. */
  readonly plugins?: readonly PluginReference[];
  /** Options of the built-in executors, by their names. */
  readonly executors?: Readonly<Record<string, unknown>>;
  readonly server?: {
    /** Default: `127.0.0.1`. */
    readonly host?: string;
    /** Default: 7070. */
    readonly port?: number;
    /**
     * Where workers and people reach the servers, such as `https://stackyard.example.org`; Terraform keeps its state
     * there. Default: host and port.
     */
    readonly url?: string;
    /**
     * The address at which code hosts and people reach the paths of services, `/hooks/` and `/wake/`. Default: `url`.
     */
    readonly servicesUrl?: string;
    /** Networks of your proxies, such as `10.0.0.0/8`: their `X-Forwarded-For` names the address of a client. */
    readonly trustedProxies?: readonly string[];
  };
  /** The permissions of tokens. Without it every token may do everything. */
  readonly access?: AccessConfig;
  /** Tasks that run at the same time. Default: 8. */
  readonly concurrency?: number;
  readonly worker?: {
    /**
     * How long tasks of a dead process wait before another process continues them: a duration from `1s` to `1h`. A live
     * process renews the lease at a third of it. Default: `30s`.
     */
    readonly lease?: string;
  };
  /**
   * A bucket for the whole logs of tasks, of all servers and workers; they use the SDK's credentials. Give it a
   * lifecycle rule that removes objects after 7 days. Default prefix: `stackyard/logs/`. Without it logs are in the
   * store.
   */
  readonly logs?: { readonly bucket: string; readonly prefix?: string };
  /**
   * The distributor of build artifacts, by the name or ARN of its function; the API and the console show its coverage,
   * and servers call it with the SDK's credentials. `STACKYARD_DISTRIBUTOR` overrides it. Without it there is no
   * distributor.
   */
  readonly distributor?: string;
  /** Yards that commands reach by `--yard NAME`. */
  readonly yards?: ConfiguredYards;
}

/** Checks the type of a configuration, and returns it unchanged. */
export function defineConfig(config: StackyardConfig): StackyardConfig {
  return config;
}

/** A yard whose servers answer at an address. */
interface ServerYard {
  /** Such as `https://stackyard.example.org`. */
  readonly url: string;
  /**
   * Take it from the environment: `process.env.STAGING_TOKEN`. Default: `STACKYARD_TOKEN`, the token of a CI job, or
   * `stackyard login`.
   */
  readonly token?: string | undefined;
}

/**
 * A yard in an AWS account, as created by its template. Commands reach it without a server, with the user's own
 * credentials. With only account and region it is a deployment target.
 */
interface AwsYard {
  readonly type: "aws";
  /** Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's. */
  readonly region?: string;
  /** Of the shared configuration files. Default: credentials as the SDK finds them. */
  readonly profile?: string;
  /** The ARN of a role that is taken first. */
  readonly role?: string;
  readonly externalId?: string;
  /** Events are sent to the topic where there is one, else to the queue. */
  readonly eventQueueUrl?: string;
  readonly eventTopicArn?: string;
  readonly taskQueueUrl?: string;
  readonly longTaskQueueUrl?: string;
  readonly tickQueueUrl?: string;
  readonly eventDeadLetterQueueUrl?: string;
  readonly taskDeadLetterQueueUrl?: string;
  /** The state's tables in DynamoDB. Default of the second: `<stacksTable>-work`. */
  readonly stacksTable?: string;
  readonly workTable?: string;
  /** Or name or ARN of the secret of a Postgres database. */
  readonly connectionSecret?: string;
  readonly machines?: { readonly bucket: string; readonly prefix?: string };
  /** The bucket for messages that are too large for a queue. Default prefix: `stackyard/messages/`. */
  readonly messages?: { readonly bucket: string; readonly prefix?: string };
  /** Where runners keep the whole logs of tasks. Default prefix: `stackyard/logs/`. */
  readonly logs?: { readonly bucket: string; readonly prefix?: string };
}

/** The yards of a project by name. */
type ConfiguredYards = Readonly<Record<string, ServerYard | AwsYard>>;
