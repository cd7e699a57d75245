import { once } from "node:events";
import { hostname } from "node:os";
import { join } from "node:path";
import type { AwsAccess } from "@stackyard/aws";
import {
  type Clock,
  CONFIG_DEFAULTS,
  defined,
  type Executor,
  type Ids,
  type Locator,
  type Logger,
  optionalFlag,
  optionalInteger,
  optionalText,
  type ProvidedService,
  type Records,
  type StackyardConfig,
  type Store,
} from "@stackyard/core";
import { withOwnTokens } from "@stackyard/core/access";
import {
  createFolderLocator,
  createMachineSources,
  createStoreProbe,
  createUlids,
  groupStoreOutages,
  type MachineSources,
  type RunningYard,
  type StoreAnswer,
  startYard,
  systemClock,
} from "@stackyard/core/engine";
import type { EngineSettings } from "@stackyard/core/environment";
import { parseDuration } from "@stackyard/core/machine";
import {
  createCalendarFolder,
  provideArtifactArrivals,
  provideCalendarFiles,
  provideSealer,
  toArtifactArrivals,
} from "@stackyard/core/services";
import type { ServerDeps } from "@stackyard/server";
import type { CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import type { Output } from "../output.ts";
import { VERSION } from "../own-version.ts";
import { type ConfigFile, machinesDirOf, toLeaseMs } from "../project/config.ts";
import { loadExecutors } from "../project/executors.ts";
import { findDocs } from "../project/find-docs.ts";
import { loadMcpPackage } from "../project/mcp-package.ts";
import { offerOwnPackages } from "../project/modules.ts";
import { createProjectSecrets } from "../project/secrets.ts";
import { loadProvided, loadServices } from "../project/services.ts";
import { forgetSecrets, type StoreChoice, toTaskEnvironment } from "../project/store.ts";
import { removeServerFile, writeServerFile } from "../server/server-file.ts";
import { findArtifacts } from "./artifacts.ts";
import { findCustomResources } from "./custom-resources.ts";
import { openLogs } from "./logs.ts";
import { openSealedStore } from "./open-sealed-store.ts";
import { createOwnAwsAccess } from "./own-aws-access.ts";
import { type ProcessTelemetry, startProcessTelemetry } from "./process-telemetry.ts";
import { type ApiToken, parseEngineSettings, parseYardName } from "./settings.ts";

/** A task at work. */
interface RunningTask {
  readonly stackId: string;
  readonly task: string;
}

/** A line that a running task reports. */
export interface TaskReport extends RunningTask {
  readonly line: string;
}

/** Where a process answers the HTTP API, and whom. */
interface ServeInput {
  readonly host: string;
  readonly port: number;
  /** Loads the tokens, once the store is open. */
  readonly loadTokens: () => Promise<readonly ApiToken[]>;
  /** True if everybody on this machine may call the server. */
  readonly anonymous: boolean;
  /** The folder of the token with which the server proves its identity to local commands. Undefined: no proof. */
  readonly proofDir?: string;
  /** The secret of the client of people's issuer. */
  readonly clientSecret?: string | undefined;
  /** True for the yard of one person: clients may edit the documents in the project's machines folder. Default: false. */
  readonly isEditable?: boolean;
  /** The name of the yard, instead of `YARD_NAME`. */
  readonly yardName?: string | undefined;
  /** The person at this machine, who may sign in with a code. */
  readonly local?: { readonly name: string; readonly groups?: readonly string[] } | undefined;
}

/** The roles and settings of a process of a project's yard. */
interface ProcessInput {
  readonly roles: readonly ("engine" | "worker")[];
  readonly store: StoreChoice;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly onReport: (report: TaskReport) => void;
  /** Without it the process serves no API. */
  readonly serve?: ServeInput;
  /** The servers' address, for Terraform's states, when this process is not a server. */
  readonly serverUrl?: string;
  /** The time that running tasks have when the process ends, in milliseconds. Default: 10 s. */
  readonly drainMs?: number;
}

/** A process of a yard at work. */
export interface RunningProcess {
  /** As in the list of the yard's processes. */
  readonly id: string;
  /** Where its HTTP API is. */
  readonly url?: string;
  readonly machinesDir: string;
  readonly locator: Locator;
  readonly executors: ReadonlyMap<string, Executor>;
  /** Tasks that run now. */
  running(): readonly RunningTask[];
  /** Fails when the store does not answer. */
  check(): Promise<StoreAnswer>;
  /** Returns the process's metrics in the Prometheus format. */
  expose(): string;
  /** Waits for running tasks, then closes server and store. */
  stop(): Promise<void>;
}

/**
 * Starts a process of a project's yard. Throws `CONFIG_INVALID` (configuration, plugins, store, address taken),
 * `STORE_LOCKED` with the owner; what was opened before is closed again.
 */
export async function startProcess(file: ConfigFile, input: ProcessInput): Promise<RunningProcess> {
  offerOwnPackages();
  const { env } = input;
  const settings = parseEngineSettings(env);
  const yardName = input.serve && parseYardName(env, input.serve.yardName);
  const isOwn = input.serve?.isEditable === true;
  const loaded = await loadExecutors(file, "all", toTaskEnvironment(env, input.store), { isOwn });
  const service = input.roles.includes("engine") ? "stackyard-server" : "stackyard-worker";
  const telemetry = await startProcessTelemetry({ service, env, logger: input.logger });
  const createAws = (region: string | undefined) =>
    createOwnAwsAccess({ clock: systemClock, logger: input.logger }, region);
  const opened = openSealedStore(input.store, { projectDir: file.projectDir, env, logger: input.logger, createAws });
  void opened.catch(() => telemetry.stop());
  const { sealer, ...sealed } = await opened;
  const store = telemetry.instrumentStore(sealed.store);
  const executors = telemetry.instrumentExecutors(loaded);
  const machinesDir = machinesDirOf(file);
  const locator = createFolderLocator({ folder: machinesDir, executors, clock: systemClock });
  const ids = createUlids();
  const { check } = createStoreProbe({ store, clock: systemClock, ids });
  const logger = groupStoreOutages({ logger: input.logger, clock: systemClock, check });
  const ports = { store, locator, executors, clock: systemClock, ids, logger };
  let served: Served | undefined;
  try {
    const aws = createOwnAwsAccess(ports);
    const sources = input.serve?.isEditable ? createMachineSources({ folder: machinesDir, executors }) : undefined;
    const parts = { ...ports, aws, logs: await openLogs(file, aws), sources };
    const artifacts = findArtifacts(file, { env, createAws });
    const customResources = findCustomResources(file, { env, createAws });
    const services = input.serve && (await loadServices(file, env));
    const mcp = input.serve && (await loadMcpDoor(file));
    const readSecret = createProjectSecrets(file, { env, createAws });
    const calendars = createCalendarFolder(join(file.projectDir, "calendars"));
    const serving = {
      ...parts,
      artifacts,
      customResources,
      services,
      mcp,
      readSecret,
      calendars,
      processMetrics: telemetry.list,
    };
    const provided = [
      ...(sealer === undefined ? [] : [provideSealer(sealer)]),
      provideCalendarFiles(calendars),
      ...(artifacts === undefined ? [] : [provideArtifactArrivals(toArtifactArrivals(artifacts.coverage))]),
      ...(await loadProvided(file, { environment: env, clock: systemClock, readSecret })),
    ];
    const docs = findDocs(file.projectDir);
    served = input.serve && (await startServing(serving, { ...input.serve, ...settings, yardName, docs }, file.config));
    // Everything that reads them has done so.
    forgetSecrets(process.env, input.store);
    const yard = await startParts({ ...parts, provided, telemetry }, file, {
      ...input,
      ...settings,
      ...(served && { serverUrl: served.url }),
    });
    return {
      id: yard.id,
      machinesDir,
      locator,
      executors,
      ...defined({ url: served?.url }),
      running: () => yard.running(),
      check,
      expose: telemetry.expose,
      async stop() {
        served?.drain();
        // Terraform keeps its state in the server, so tasks end before the server does.
        await yard.stop();
        await served?.stop();
        await store.close();
        await telemetry.stop();
      },
    };
  } catch (error) {
    await served?.stop();
    await store.close();
    await telemetry.stop();
    throw error;
  }
}

/** Returns what answers assistants, if the project's servers do. */
async function loadMcpDoor({ config, projectDir }: ConfigFile): Promise<ServerDeps["mcp"]> {
  const { mcp } = config.server ?? {};
  if (mcp === undefined) return undefined;
  const { createMcpDoor } = await loadMcpPackage(projectDir);
  return createMcpDoor({ version: VERSION, allowWrites: mcp.allowWrites ?? CONFIG_DEFAULTS.mcpAllowWrites });
}

interface Parts {
  readonly store: Store;
  readonly locator: Locator;
  readonly executors: ReadonlyMap<string, Executor>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly aws: AwsAccess;
  /** The store of whole logs; undefined: they are in the store of the yard. */
  readonly logs: Records | undefined;
  readonly sources: MachineSources | undefined;
}

interface Served {
  readonly url: string;
  drain(): void;
  stop(): Promise<void>;
}

async function startServing(
  parts: Parts &
    Pick<
      ServerDeps,
      "artifacts" | "customResources" | "services" | "mcp" | "readSecret" | "calendars" | "processMetrics"
    >,
  {
    host,
    port,
    loadTokens,
    anonymous,
    proofDir,
    clientSecret,
    yardName,
    local,
    engine,
    docs,
  }: ServeInput & EngineSettings & { readonly docs: string | undefined },
  config: StackyardConfig,
): Promise<Served> {
  const { createServer, ensureToken, isLoopbackHost } = await import("@stackyard/server");
  const tokens = await loadTokens();
  const publicUrl = config.server?.url;
  const proofSecret = proofDir === undefined ? undefined : await ensureToken(proofDir);
  const own = proofDir === undefined ? [] : ["anonymous", ...tokens.map(({ name }) => name)];
  const access = config.access && withOwnTokens(config.access, own);
  const server = createServer(
    { ...parts, version: VERSION },
    {
      host,
      port,
      tokens,
      allowAnonymous: anonymous,
      allowExternalNext: engine.allowExternalNext,
      engine,
      ...defined({ proofSecret, url: publicUrl, access, trustedProxies: config.server?.trustedProxies }),
      ...defined({ clientSecret, local, yardName, accounts: config.accounts, docs }),
      // On other addresses every name is allowed.
      ...(publicUrl === undefined || !isLoopbackHost(host) ? {} : allowProxy(new URL(publicUrl), host)),
    },
  );
  const { url } = await server.start();
  return {
    url: toReachableUrl(url),
    drain: () => server.drain(),
    stop: () => server.stop(),
  };
}

/**
 * Returns the hosts and origins to allow: a proxy forwards the host name of the request, and others call the address on which the
 * server listens, such as 127.0.0.2.
 */
function allowProxy({ hostname, origin }: URL, host: string) {
  const own = host.includes(":") ? `[${host}]` : host;
  return { allowedHosts: ["localhost", "127.0.0.1", "[::1]", own, hostname], corsOrigins: [origin] };
}

interface MeasuredParts {
  readonly provided: readonly ProvidedService[];
  readonly telemetry: Pick<ProcessTelemetry, "instrumentEngine">;
}

async function startParts(
  { provided, telemetry, ...parts }: Parts & MeasuredParts,
  { config }: ConfigFile,
  input: ProcessInput & EngineSettings,
): Promise<RunningYard> {
  const { roles, serve, serverUrl, drainMs, onReport, engine, retention } = input;
  const leaseMs = toLeaseMs(config.worker?.lease ?? CONFIG_DEFAULTS.lease);
  const { provideTerraformState } = await import("@stackyard/executor-terraform");
  const ownUrl = config.server?.url ?? serverUrl;
  return startYard(
    { ...parts, access: config.access },
    {
      roles,
      engine,
      retention,
      instrument: telemetry.instrumentEngine,
      worker: {
        ...defined({ leaseMs }),
        services: [
          ...(serverUrl === undefined ? [] : [provideTerraformState(`${serverUrl}/terraform/state`)]),
          ...provided,
        ],
        onReport: ({ message, line }) => onReport({ stackId: message.stack.id, task: message.task.name, line }),
      },
      process: defined({
        version: VERSION,
        host: hostname(),
        pid: process.pid,
        url: serve === undefined ? undefined : ownUrl,
      }),
      concurrency: config.concurrency ?? CONFIG_DEFAULTS.concurrency,
      ...defined({ drainMs }),
    },
  );
}

/**
 * Runs a process until it is interrupted, then drains it; returns the exit code. Calls `onEnding` first: nothing should
 * be sent to the process afterwards.
 */
export async function runUntilSignal(
  { out, signal }: CommandContext,
  running: RunningProcess,
  { drainMs, onEnding }: { readonly drainMs: number; readonly onEnding: () => void },
): Promise<number> {
  if (!signal.aborted) await once(signal, "abort");
  onEnding();
  printStopping(running.running(), drainMs, out);
  await running.stop();
  out.step({ kind: "stopped" }, () => "Stopped.");
  return 0;
}

/** Prints which tasks a stopping process waits for. */
export function printStopping(running: readonly RunningTask[], drainMs: number, out: Output): void {
  out.step({ kind: "stopping", running }, () => {
    if (running.length === 0) return "Stopping. No task is running.";
    const tasks = running.map(({ stackId, task }) => `${stackId} ${task}`).join(", ");
    const seconds = Math.round(drainMs / 1_000);
    return `Stopping. Waiting up to ${seconds} s for ${tasks}. Press Ctrl-C again to quit at once.`;
  });
}

/** Shows the lines that running tasks report. */
export function createReportPrinter(out: Output): (report: TaskReport) => void {
  return ({ stackId, task, line }) =>
    out.progress({ kind: "report", stackId, task, line }, () => `${stackId} ${task}: ${line}`);
}

/**
 * Publishes this process's address to the project's commands; returns a function that removes it. Stops the process
 * when it cannot be written.
 */
export async function publishAddress(dataDir: string, running: RunningProcess): Promise<() => void> {
  const remove = () => removeServerFile(dataDir, process.pid);
  // Removes the file however the process ends, so that commands do not find a server that is gone.
  process.once("exit", remove);
  try {
    await writeServerFile(dataDir, {
      url: running.url ?? "",
      pid: process.pid,
      startedAt: new Date().toISOString(),
    });
  } catch (error) {
    await running.stop();
    throw error;
  }
  return remove;
}

/** Returns where a server listens: as the command says, else as the configuration does. */
export function toServerAddress(
  { server }: StackyardConfig,
  given: { readonly host?: string | undefined; readonly port?: number | undefined } = {},
): { readonly host: string; readonly port: number } {
  return {
    host: given.host ?? server?.host ?? CONFIG_DEFAULTS.host,
    port: given.port ?? server?.port ?? CONFIG_DEFAULTS.port,
  };
}

/** Returns the URL under which this machine reaches a server that listens there. */
export function toServerUrl({ host, port }: { readonly host: string; readonly port: number }): string {
  return toReachableUrl(`http://${host.includes(":") ? `[${host}]` : host}:${port}`);
}

/** Returns a URL under which the server is reachable: a wildcard address becomes the loopback one. */
export function toReachableUrl(url: string): string {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\])/, `//${CONFIG_DEFAULTS.host}`).replace(/\/$/, "");
}

/** Where a server listens, and whether it requires a token. */
export const listenArgs = {
  port: optionalInteger(`Port; 0 selects a free one. Default: ${CONFIG_DEFAULTS.port}.`, {
    minimum: 0,
    maximum: 65_535,
    short: "p",
  }),
  host: optionalText(`Address to listen on. Default: ${CONFIG_DEFAULTS.host}.`, { minLength: 1 }),
  noToken: optionalFlag("Accept requests without a token. Loopback addresses only."),
  yardName: optionalText("Name of the yard in the console. Default: YARD_NAME.", { minLength: 1, placeholder: "name" }),
};

/** The argument for the time that tasks have when the process stops. */
export const drainArg = {
  drainTimeout: optionalText(
    "How long running tasks may continue after SIGTERM or Ctrl-C before they are cancelled. Default: 30s.",
    { placeholder: "duration" },
  ),
};

const DEFAULT_DRAIN = "30s";

/** Parses the argument into milliseconds. Throws `USAGE`. */
export function parseDrainTimeout(text: string = DEFAULT_DRAIN): number {
  const ms = /^0m?s$/.test(text) ? 0 : parseDuration(text);
  if (ms !== undefined) return ms;
  throw failWith("USAGE", `Invalid duration --drain-timeout ${text}.`, {
    hint: "Use a duration such as 30s, 10m or 0s.",
  });
}
