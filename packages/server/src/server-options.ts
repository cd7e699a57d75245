import {
  type Clock,
  defined,
  type Executor,
  type Ids,
  type Locator,
  type Logger,
  type PluginService,
  type Records,
  type SecretReference,
  StackyardError,
  type Store,
} from "@stackyard/core";
import { type AccessConfig, findServerUrlFault, parseAccessConfig } from "@stackyard/core/access";
import type { ArtifactConsumer, ArtifactCoverage, ArtifactRefresh, ArtifactReplay } from "@stackyard/core/api";
import type { EngineOptions, MachineSources } from "@stackyard/core/engine";
import { VARIABLE_FORMS } from "@stackyard/core/environment";
import type { CalendarFiles, YardServicesDeps } from "@stackyard/core/services";
import type { Metric } from "@stackyard/telemetry";

/** The dependencies of the server. It decides nothing: events go into the store's queue, and an engine claims them. */
export interface ServerDeps {
  readonly store: Store;
  readonly locator: Locator;
  readonly executors: ReadonlyMap<string, Executor>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Shown by the API and in metrics. */
  readonly version: string;
  /** The yard's distributor of build artifacts. Default: none. */
  readonly artifacts?: ArtifactsClient | undefined;
  /** The records of the function behind `Custom::ECSTask`, in its own table. Default: none. */
  readonly customResources?: Pick<Records, "get" | "list"> | undefined;
  /** The folder of machines that may be edited. Default: none. */
  readonly sources?: MachineSources | undefined;
  /** The calendars of tasks `deploy`. Default: none, and the hours of their windows are not known. */
  readonly calendars?: CalendarFiles | undefined;
  /** Where runners store the full logs of attempts. Default: the store's records. */
  readonly logs?: Pick<Records, "get"> | undefined;
  /** Where logins are stored, with their audit lines. Default: the store's records. */
  readonly loginRecords?: Records | undefined;
  /** Counters, histograms and figures of this process, for `/metrics`. Default: none. */
  readonly processMetrics?: ((machines: readonly string[]) => readonly Metric[]) | undefined;
  /** Services of plugins; the servers of a yard run them. Default: none. */
  readonly services?: readonly PluginService[] | undefined;
  /** AWS access for services. Default: none. */
  readonly aws?: YardServicesDeps["aws"];
  /** Answers assistants at `/mcp`: `createMcpDoor` of `@stackyard/mcp`. Default: the path does not exist. */
  readonly mcp?: McpDoor | undefined;
  /** Reads secrets for services. Default: services have no secrets. */
  readonly readSecret?: ((reference: SecretReference) => Promise<string>) | undefined;
}

/** The input of a door for assistants. */
export interface McpInput {
  /** The message, parsed. */
  readonly body: unknown;
  /** The address of this server, as the caller has called it. */
  readonly url: string;
  /** Calls the API of this server as the caller, over the channel of assistants. */
  readonly fetch: typeof fetch;
  /** Aborted when the client has disconnected or its time is over. */
  readonly signal: AbortSignal;
}

/** Answers one message of an assistant whose credential was checked. */
export type McpDoor = (request: Request, input: McpInput) => Promise<Response>;

/** Where the console's files are, as `@stackyard/console` has them. */
export interface ConsoleFiles {
  /** Paths that are answered with `/index.html`. */
  readonly paths: readonly string[];
  /** Returns a file by its path, such as `/assets/index-4f1c.js`. */
  readonly find: (path: string) => ConsoleFile | undefined;
}

/** One of its files. */
export interface ConsoleFile {
  readonly contentType: string;
  readonly immutable: boolean;
  /** The available content codings, best first. */
  readonly encodings: readonly ("br" | "gzip")[];
  readonly read: (encoding?: "br" | "gzip") => Uint8Array<ArrayBuffer>;
}

/** Which part of a list of the distributor. */
interface ArtifactsPage {
  readonly cursor?: string;
  readonly limit?: number;
}

/** The calls of the server to a distributor; `createLambdaCall` of `@stackyard/sdk/artifacts` implements them. */
export interface ArtifactsClient {
  coverage(
    query: ArtifactsPage & {
      readonly name?: string;
      readonly version?: string;
      readonly account?: string;
      readonly region?: string;
    },
  ): Promise<{ readonly rows: readonly ArtifactCoverage[]; readonly cursor?: string }>;
  consumers(query: ArtifactsPage): Promise<{ readonly items: readonly ArtifactConsumer[]; readonly cursor?: string }>;
  refresh(query: {
    readonly name: string;
    readonly version: string;
    readonly account?: string;
    readonly region?: string;
  }): Promise<ArtifactRefresh>;
  replay(query: {
    readonly account: string;
    readonly region: string;
    readonly since?: string;
    readonly artifact?: string;
  }): Promise<ArtifactReplay>;
}

/** A secret that allows everything, and its name in histories. */
export interface OperatorToken {
  readonly name: string;
  readonly token: string;
  /** The kind of its sender: `aws` where IAM has identified it. Default `token`. */
  readonly kind?: "token" | "aws";
}

/** The limits of the server. Sizes in bytes, times in milliseconds. */
export interface ServerLimits {
  /** Default 1 MiB. */
  readonly bodyBytes: number;
  /** Default 100. */
  readonly eventsPerRequest: number;
  /** From the head of a request to its answer; streams excepted. Default 30 s. */
  readonly requestMs: number;
  /** The time for which retry, cancel, settle and remove wait for their outcome before they answer 202. Default 5 s. */
  readonly outcomeMs: number;
  /** Open event streams. Default 200. */
  readonly streams: number;
  /** Open streams of one identity at `/v1/stream`. Default 20. */
  readonly streamsPerCaller: number;
  /** A comment line on a silent stream. Default 15 s. */
  readonly heartbeatMs: number;
  /** The time that requests have to finish after `stop`. Default 10 s. */
  readonly stopMs: number;
  /** The maximum size of one Terraform state. Default 32 MiB. */
  readonly stateBytes: number;
  /** Versions of a Terraform state to keep. Default 20. */
  readonly stateVersions: number;
}

/** Where the server listens, who may call it, and how much it takes on. */
export interface ServerOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 7070; 0: any free one. */
  readonly port?: number;
  /** At least one, unless `allowAnonymous`. */
  readonly tokens?: readonly OperatorToken[];
  /** True to require no token. Only if `host` is a loopback address. Default false. */
  readonly allowAnonymous?: boolean;
  /** Host names that requests may use. Default: names of the loopback, or any name on another `host`. */
  readonly allowedHosts?: readonly string[];
  /** Pages of these origins, such as `https://console.example.org`, may call the API from a browser. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** True to accept the event `NEXT`, for engines that do too. Default: false. */
  readonly allowExternalNext?: boolean;
  /** Options of the yard's engine, so that dry runs show what it does. Default: its defaults. */
  readonly engine?: EngineOptions;
  /**
   * The secret that `/v1/proof` proves, such as the token of the data folder. Anyone may call it, so the secret must be
   * random: 32 characters or more. Default: none, and the path answers 404.
   */
  readonly proofSecret?: string;
  /** The public address of the server, such as `https://yard.example.org`. Required for logins. */
  readonly url?: string;
  /** Networks of trusted proxies, for `X-Forwarded-For`, such as `10.0.7.0/28`. Default: none. */
  readonly trustedProxies?: readonly string[];
  /** Who may sign in, and who may do what. Default: every configured token may do everything. */
  readonly access?: AccessConfig;
  /** Gives the server API tokens of its own. Not if IAM decides who may send and read. Default true. */
  readonly apiTokens?: boolean;
  /** The secret of the client `access.people.clientId`. Default: a public client. */
  readonly clientSecret?: string;
  /** The person at this machine, who signs in with a code. Only if `host` is a loopback address. Default: none. */
  readonly local?: LocalPerson;
  /**
   * The public web console, which calls the API as the signed-in person; false for none. Default: `@stackyard/console`.
   */
  readonly console?: ConsoleFiles | false;
  /** The folder with the built documentation, served under `/docs`. Default: none, with a page that says how to install it. */
  readonly docs?: string;
  /** The name of the yard, for people who use several: 1 to 64 letters, digits and `_.-`. Default: none. */
  readonly yardName?: string;
  /** Names of AWS accounts by their ids, for people. Default: none. */
  readonly accounts?: Readonly<Record<string, string>>;
  readonly limits?: Partial<ServerLimits>;
}

/** Who may sign in to `stackyard dev` with its code. */
export interface LocalPerson {
  readonly name: string;
  /** With groups, the person has the rights of their grants; without, those of the data folder's token. */
  readonly groups?: readonly string[];
}

type Defaulted = "host" | "port" | "tokens" | "allowAnonymous" | "allowExternalNext" | "trustedProxies" | "apiTokens";

/** Options with every default filled in. Without `access` it is not configured, which differs from one without grants. */
export interface ServerSettings
  extends Required<Pick<ServerOptions, Defaulted>>,
    Pick<
      ServerOptions,
      | "proofSecret"
      | "url"
      | "access"
      | "clientSecret"
      | "local"
      | "console"
      | "docs"
      | "yardName"
      | "accounts"
      | "engine"
    > {
  /** The hosts that requests may name, or undefined for any. */
  readonly allowedHosts: ReadonlySet<string> | undefined;
  readonly corsOrigins: ReadonlySet<string>;
  readonly limits: ServerLimits;
}

const DEFAULT_LIMITS: ServerLimits = {
  bodyBytes: 1_048_576,
  eventsPerRequest: 100,
  requestMs: 30_000,
  outcomeMs: 5_000,
  streams: 200,
  streamsPerCaller: 20,
  heartbeatMs: 15_000,
  stopMs: 10_000,
  stateBytes: 33_554_432,
  stateVersions: 20,
};
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);
const YARD_NAME = new RegExp(VARIABLE_FORMS.yard.pattern);
const MIN_TOKEN_LENGTH = 16;
const MIN_PROOF_SECRET_LENGTH = 32;

/** Fills in defaults. Throws `CONFIG_INVALID` for combinations that would leave the API open. */
export function parseServerOptions(options: ServerOptions): ServerSettings {
  const { host = "127.0.0.1", tokens = [], proofSecret, url } = options;
  const loopback = isLoopbackHost(host);
  const access = options.access && parseAccessConfig(options.access, defined({ serverUrl: url }));
  const fault =
    (url === undefined ? undefined : findServerUrlFault(url)) ??
    findNameFault(options) ??
    findWayInFault(options, { host, access });
  if (fault !== undefined) throw invalid(fault);
  if (tokens.some(({ token }) => token.length < MIN_TOKEN_LENGTH)) {
    throw invalid(`A token needs at least ${MIN_TOKEN_LENGTH} characters.`);
  }
  if (proofSecret !== undefined && proofSecret.length < MIN_PROOF_SECRET_LENGTH) {
    throw invalid(`The secret of a proof needs at least ${MIN_PROOF_SECRET_LENGTH} characters.`);
  }
  const names = options.allowedHosts?.map((name) => name.toLowerCase());
  return {
    port: 7070,
    allowAnonymous: false,
    allowExternalNext: false,
    trustedProxies: [],
    apiTokens: true,
    ...defined(options),
    host,
    tokens,
    allowedHosts: names === undefined ? (loopback ? toLoopbackNames(host, url) : undefined) : new Set(names),
    corsOrigins: new Set(options.corsOrigins ?? []),
    ...defined({ access }),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
}

/** Returns the fault in the name of the yard. It is not quoted: it can be long, and change how a message is displayed. */
function findNameFault({ yardName }: ServerOptions): string | undefined {
  if (yardName === undefined || YARD_NAME.test(yardName)) return undefined;
  return `The yard's name must be ${VARIABLE_FORMS.yard.expected}.`;
}

/** Returns the fault in the settings for authentication. */
function findWayInFault(
  { tokens = [], allowAnonymous = false, local }: ServerOptions,
  { host, access }: { readonly host: string; readonly access: AccessConfig | undefined },
): string | undefined {
  const loopback = isLoopbackHost(host);
  if (allowAnonymous && !loopback) return `"${host}" is not a loopback address. The server requires a token there.`;
  if (local !== undefined && !loopback) return `"${host}" is not a loopback address. A login by a code needs one.`;
  const hasLogins = access?.people !== undefined || (access?.workloads ?? []).length > 0;
  return allowAnonymous || tokens.length > 0 || hasLogins ? undefined : "The server needs at least one token.";
}

/**
 * Returns the allowed names: a proxy on this machine forwards the host name of the request, and others call the address on which the
 * server listens, such as 127.0.0.2.
 */
function toLoopbackNames(host: string, url: string | undefined): ReadonlySet<string> {
  const own = host.includes(":") ? `[${host}]` : host;
  return new Set([...LOOPBACK_NAMES, own, ...(url === undefined ? [] : [new URL(url).hostname])]);
}

function invalid(message: string): StackyardError {
  return new StackyardError("CONFIG_INVALID", message);
}

/** Returns true for addresses that only programs on this machine can reach. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
