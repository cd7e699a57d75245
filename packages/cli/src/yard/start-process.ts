import { hostname } from "node:os";
import type { Clock, Executor, Locator, Logger, Store } from "@stackyard/core";
import { createFolderLocator, createStoreProbe, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { forgetSecrets, type StoreChoice, toTaskEnvironment } from "../project/choose-store.ts";
import type { ConfigFile } from "../project/config-file.ts";
import { loadExecutors, machinesDirOf } from "../project/load-executors.ts";
import { openStore } from "../project/open-store.ts";
import { offerOwnPackages } from "../project/own-packages.ts";
import { toLeaseMs } from "../project/worker-lease.ts";
import { VERSION } from "../version.ts";
import type { ApiToken } from "./api-tokens.ts";
import { type EngineSettings, parseEngineSettings } from "./engine-settings.ts";
import { createOwnAwsAccess } from "./own-aws-access.ts";
import { toReachableUrl } from "./server-address.ts";

/** A task at work. */
export interface RunningTask {
  readonly stackId: string;
  readonly task: string;
}

/** A line that a running task reports. */
export interface TaskReport extends RunningTask {
  readonly line: string;
}

/** Where a process answers the HTTP API, and whom. */
export interface ServeInput {
  readonly host: string;
  readonly port: number;
  /** Asked for when the store is open. */
  readonly loadTokens: () => Promise<readonly ApiToken[]>;
  /** Everybody on this machine may call the server. */
  readonly anonymous: boolean;
  /** Where the token lies that the server proves to this machine's commands that it knows. Without it: no proof. */
  readonly proofDir?: string;
}

/** What a process of a project's yard does. */
export interface ProcessInput {
  readonly roles: readonly ("engine" | "worker")[];
  readonly store: StoreChoice;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly onReport: (report: TaskReport) => void;
  /** Without it the process answers nobody. */
  readonly serve?: ServeInput;
  /** The servers' address, for Terraform's states, where this process is no server. */
  readonly serverUrl?: string;
  /** How long running tasks may go on when the process ends. Default: 10 s. */
  readonly drainMs?: number;
}

/** Tasks that a process runs at the same time. */
export const DEFAULT_CONCURRENCY = 8;

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
  check(): Promise<void>;
  /** Lets running tasks end, then closes server and store. */
  stop(): Promise<void>;
}

/**
 * Starts a process of a project's yard. Throws `CONFIG_INVALID` (configuration, plugins, store, address taken),
 * `STORE_LOCKED` with the owner; what was opened before is closed again.
 */
export async function startProcess(file: ConfigFile, input: ProcessInput): Promise<RunningProcess> {
  offerOwnPackages();
  const { env, logger } = input;
  const settings = parseEngineSettings(env);
  const executors = await loadExecutors(file, "all", toTaskEnvironment(env, input.store));
  const store = await openStore(input.store, { projectDir: file.projectDir, env, logger });
  const machinesDir = machinesDirOf(file);
  const locator = createFolderLocator({ folder: machinesDir, executors, clock: systemClock });
  const parts = { store, locator, executors, clock: systemClock, ids: createUlids(), logger };
  let served: Served | undefined;
  try {
    served = input.serve && (await startServing(parts, { ...input.serve, ...settings }, file.config.server?.url));
    // Everything that reads them has done so.
    forgetSecrets(process.env, input.store);
    const yard = await startParts(parts, file, { ...input, ...settings, ...(served && { serverUrl: served.url }) });
    return {
      id: yard.id,
      machinesDir,
      locator,
      executors,
      ...(served === undefined ? {} : { url: served.url }),
      running: () => yard.running(),
      check: createStoreProbe(parts).check,
      async stop() {
        served?.drain();
        // Terraform keeps its state in the server: tasks end before it does.
        await yard.stop();
        await served?.stop();
        await store.close();
      },
    };
  } catch (error) {
    await served?.stop();
    await store.close();
    throw error;
  }
}

interface Parts {
  readonly store: Store;
  readonly locator: Locator;
  readonly executors: ReadonlyMap<string, Executor>;
  readonly clock: Clock;
  readonly ids: ReturnType<typeof createUlids>;
  readonly logger: Logger;
}

interface Served {
  readonly url: string;
  drain(): void;
  stop(): Promise<void>;
}

async function startServing(
  parts: Parts,
  { host, port, loadTokens, anonymous, proofDir, engine = {} }: ServeInput & EngineSettings,
  publicUrl: string | undefined,
): Promise<Served> {
  const { createServer, ensureToken, isLoopbackHost } = await import("@stackyard/server");
  const tokens = await loadTokens();
  const proofSecret = proofDir === undefined ? undefined : await ensureToken(proofDir);
  const server = createServer(
    { ...parts, version: VERSION },
    {
      host,
      port,
      tokens,
      allowAnonymous: anonymous,
      allowExternalNext: engine.allowExternalNext ?? false,
      ...(proofSecret === undefined ? {} : { proofSecret }),
      // On other addresses every name is allowed.
      ...(publicUrl === undefined || !isLoopbackHost(host) ? {} : allowProxy(new URL(publicUrl))),
    },
  );
  const { url } = await server.start();
  return {
    url: toReachableUrl(url),
    drain: () => server.drain(),
    stop: () => server.stop(),
  };
}

/** A proxy hands the name on under which it was called. */
function allowProxy({ hostname, origin }: URL) {
  return { allowedHosts: ["localhost", "127.0.0.1", "[::1]", hostname], corsOrigins: [origin] };
}

async function startParts(
  parts: Parts,
  { config }: ConfigFile,
  input: ProcessInput & EngineSettings,
): Promise<ReturnType<typeof startYard>> {
  const { roles, serve, serverUrl, drainMs, onReport, engine = {}, retention = {} } = input;
  const leaseMs = toLeaseMs(config.worker?.lease ?? "");
  const { provideTerraformState } = await import("@stackyard/executor-terraform");
  const ownUrl = config.server?.url ?? serverUrl;
  return startYard(
    { ...parts, aws: createOwnAwsAccess(parts) },
    {
      roles,
      engine,
      retention,
      worker: {
        ...(leaseMs === undefined ? {} : { leaseMs }),
        services: serverUrl === undefined ? [] : [provideTerraformState(`${serverUrl}/terraform/state`)],
        onReport: ({ message, line }) => onReport({ stackId: message.stack.id, task: message.task.name, line }),
      },
      process: {
        version: VERSION,
        host: hostname(),
        pid: process.pid,
        ...(serve === undefined || ownUrl === undefined ? {} : { url: ownUrl }),
      },
      concurrency: config.concurrency ?? DEFAULT_CONCURRENCY,
      ...(drainMs === undefined ? {} : { drainMs }),
    },
  );
}
