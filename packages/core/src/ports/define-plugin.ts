import type { Static, TSchema } from "typebox";
import type { AccessConfig } from "../access/access-config.ts";
import { defined } from "../machine/json.ts";
import type { Executor, ProvidedService } from "./executor.ts";
import type { PluginService, ServiceDeps } from "./plugin-service.ts";

/** What a plugin's factory may know about the project that uses it. */
export interface PluginContext {
  /** The folder of the project's configuration; relative paths in options start there. */
  readonly projectDir: string;
  /** A folder that the plugin may keep files in. */
  readonly dataDir: string;
  /** The environment of the process that runs the tasks, for programs that an executor starts. May hold secrets. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where people reach the servers of the yard: `server.url` of the configuration. Undefined: it is not known. */
  readonly url?: string | undefined;
  /** Where the routes of services are reached, if not at `url`: `server.servicesUrl` of the configuration. */
  readonly servicesUrl?: string | undefined;
}

/** What a plugin works with when it provides something to executors. */
export interface ProvidingContext extends PluginContext, Pick<ServiceDeps, "clock" | "readSecret"> {}

/** What a plugin's author writes. */
interface PluginSpec<Options extends TSchema> {
  readonly name: string;
  /** Schema of the options that a project may give; without it the plugin takes none. */
  readonly options?: Options;
  readonly executors: readonly Executor[] | ((options: Static<Options>, context: PluginContext) => readonly Executor[]);
  readonly commands?: readonly PluginCommand[];
  /** What the yard's servers run. */
  readonly services?:
    | readonly PluginService[]
    | ((options: Static<Options>, context: PluginContext) => readonly PluginService[]);
  /** What executors of all plugins get by `ctx.service(key)` in the yard's workers. */
  readonly provides?: (options: Static<Options>, context: ProvidingContext) => readonly ProvidedService[];
}

/** A plugin as loaded: options are checked against the schema before `executors` or `services` is called. */
export interface Plugin {
  readonly kind: "stackyard-plugin";
  readonly name: string;
  readonly options?: TSchema;
  executors(options: unknown, context: PluginContext): readonly Executor[];
  readonly commands: readonly PluginCommand[];
  /** Missing: it has none. */
  services?(options: unknown, context: PluginContext): readonly PluginService[];
  /** Missing: it provides nothing. */
  provides?(options: unknown, context: ProvidingContext): readonly ProvidedService[];
}

/** The default export of a plugin's package. */
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

/** How a command speaks: it knows terminal, pipe and `--json`. A command prints nothing itself. */
export interface CommandOutput {
  /** Width of the terminal that shows the results; tables fit it. Undefined in a pipe and with `--json`: no limit. */
  readonly columns?: number | undefined;
  /** The result: as one JSON object with `--json`, else as the text. */
  result(value: unknown, toText: () => string): void;
  /**
   * One step of long work: a live line in a terminal, a plain line in a pipe, one object a line with `--json`. With `toBlock` a
   * terminal of so many columns shows its lines instead, drawn anew in place. They may have colours: those are taken off
   * where they are not wanted.
   */
  progress(value: Readonly<Record<string, unknown>>, toText: () => string, toBlock?: (columns: number) => string): void;
  /** For people only; not printed with `--json`. Goes to standard error. */
  note(text: string): void;
}

/** What a command contributed by a plugin is given. */
export interface PluginCommandContext {
  readonly out: CommandOutput;
  /** Relative paths that are given start here. */
  readonly cwd: string;
  readonly projectDir: string;
  /** Where the project's working files lie; absolute. */
  readonly dataDir: string;
  /** The environment of the command line. May hold secrets. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The yards of the project's configuration. */
  readonly yards: ConfiguredYards;
  /** Address and token of the yard's server, as flags, environment and data folder give them. */
  readonly server: { readonly url: string; readonly token?: string };
  readonly signal: AbortSignal;
}

/** A command that a plugin adds to the command line, such as `fleet plan`. */
export interface PluginCommand {
  /** One to three words. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** More, for `--help`. */
  readonly description?: string;
  readonly examples?: readonly { readonly command: string; readonly what: string }[];
  /**
   * An object schema: required strings become positional arguments in order, the others flags. `url`, `token`, `yard` and
   * `project` say where the server is, unless they are of the command's own.
   */
  readonly args: TSchema;
  /** Gives the exit code; errors fly. */
  run(context: PluginCommandContext, args: Readonly<Record<string, unknown>>): Promise<number>;
}

/** A plugin by package name or path, or the plugin itself; with options where it takes some. */
export type PluginReference = string | Plugin | { readonly use: string | Plugin; readonly options?: unknown };

/**
 * A store by name (`sqlite`, `postgres`), package or path; the other keys are the store's own options. A package exports
 * `createStore(options, { projectDir, environment, logger, migrate })`, which resolves with a `Store`; `migrate: false`: to
 * look only, nothing is brought up to date.
 */
type StoreReference = string | { readonly type: string; readonly [option: string]: unknown };

/** `stackyard.config.ts`: read by the command line, `dev`, `server` and `worker`. */
export interface StackyardConfig {
  /** The folder of machine documents (`.yml`, `.yaml`, `.json`, `.ts`). Default: `machines`. */
  readonly machines?: string;
  /** Where the embedded store, the token and working files lie. Default: `.stackyard`. */
  readonly dataDir?: string;
  /**
   * Where all state lives. Default: `sqlite`, in `dataDir`, for one process; `server` and `worker` take `postgres` where
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
    /** The address at which code hosts and people reach the paths of services, `/hooks/` and `/wake/`. Default: `url`. */
    readonly servicesUrl?: string;
    /** Networks of your proxies, such as `10.0.0.0/8`: their `X-Forwarded-For` names the address of a client. */
    readonly trustedProxies?: readonly string[];
  };
  /** Who may do what. Without it every token may do everything. */
  readonly access?: AccessConfig;
  /** Tasks that run at the same time. Default: 8. */
  readonly concurrency?: number;
  readonly worker?: {
    /**
     * How long tasks of a process that died wait before another process continues them: a duration from `1s` to `1h`.
     * A live one renews it at a third. Default: `30s`.
     */
    readonly lease?: string;
  };
  /**
   * A bucket for the whole logs of tasks, of all servers and workers; they use the SDK's credentials. Give it a lifecycle rule
   * that removes objects after 7 days. Default prefix: `stackyard/logs/`. Without it logs are in the store.
   */
  readonly logs?: { readonly bucket: string; readonly prefix?: string };
  /**
   * The distributor of build artifacts, by the name or ARN of its function; the API and the console show its coverage, and
   * servers call it with the SDK's credentials. `STACKYARD_DISTRIBUTOR` overrides it. Default: none.
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
  /** Take it from the environment: `process.env.STAGING_TOKEN`. Default: `STACKYARD_TOKEN`, the token of a CI job, or `stackyard login`. */
  readonly token?: string | undefined;
}

/**
 * A yard in an AWS account, as its template has made it. Commands reach it without a server, with the credentials of who types
 * them. With account and region only it is a place to deploy to.
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
  /** Where messages lie that are too large for a queue. Default prefix: `stackyard/messages/`. */
  readonly messages?: { readonly bucket: string; readonly prefix?: string };
  /** Where runners keep the whole logs of tasks. Default prefix: `stackyard/logs/`. */
  readonly logs?: { readonly bucket: string; readonly prefix?: string };
}

/** The yards of a project by name. */
type ConfiguredYards = Readonly<Record<string, ServerYard | AwsYard>>;
