import type { Clock, Executor, Locator, Logger, Store } from "@stackyard/core";
import { createFolderLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { removeServerFile, writeServerFile } from "../client/server-file.ts";
import type { ConfigFile } from "../project/config-file.ts";
import { dataDirOf, loadExecutors, machinesDirOf } from "../project/load-executors.ts";
import { offerOwnPackages } from "../project/own-packages.ts";
import { toLeaseMs } from "../project/worker-lease.ts";
import { VERSION } from "../version.ts";
import { createOwnAwsAccess } from "./own-aws-access.ts";

/** A task at work. */
export interface RunningTask {
  readonly stackId: string;
  readonly task: string;
}

/** A line that a running task reports. */
export interface TaskReport extends RunningTask {
  readonly line: string;
}

export interface DevOptions {
  readonly host: string;
  readonly port: number;
  /** Everybody on this machine may call the server. */
  readonly anonymous: boolean;
  readonly logger: Logger;
  readonly onReport: (report: TaskReport) => void;
}

/** A yard of one process at work, with its server. */
export interface RunningDev {
  readonly url: string;
  readonly token: string;
  readonly dataDir: string;
  readonly machinesDir: string;
  readonly locator: Locator;
  readonly executors: ReadonlyMap<string, Executor>;
  /** Tasks that run now. */
  running(): readonly RunningTask[];
  /** Lets running tasks end, then closes server and store. */
  stop(): Promise<void>;
}

/**
 * Starts a project's yard. Throws `CONFIG_INVALID` (configuration, plugins, address taken), `STORE_LOCKED` with the owner;
 * what was opened before is closed again.
 */
export async function startDev(file: ConfigFile, options: DevOptions): Promise<RunningDev> {
  offerOwnPackages();
  const dataDir = dataDirOf(file);
  const machinesDir = machinesDirOf(file);
  const executors = await loadExecutors(file, "all");
  const { createSqliteStore } = await import("@stackyard/store-sqlite");
  const store = await createSqliteStore({ folder: dataDir, logger: options.logger });
  try {
    const locator = createFolderLocator({ folder: machinesDir, executors, clock: systemClock });
    const parts = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: options.logger };
    const served = await startServing(parts, dataDir, options);
    const leaseMs = toLeaseMs(file.config.worker?.lease ?? "");
    const yard = startYard(
      { ...parts, aws: createOwnAwsAccess() },
      {
        worker: {
          ...(leaseMs === undefined ? {} : { leaseMs }),
          stateBackendUrl: `${served.url}/terraform/state`,
          onReport: ({ message, line }) =>
            options.onReport({ stackId: message.stack.id, task: message.task.name, line }),
        },
        ...(file.config.concurrency === undefined ? {} : { concurrency: file.config.concurrency }),
      },
    );
    // Whatever ends the process, nobody shall look for a server that is gone.
    process.once("exit", () => removeServerFile(dataDir, process.pid));
    await writeServerFile(dataDir, { url: served.url, pid: process.pid, startedAt: new Date().toISOString() });
    return {
      ...{ dataDir, machinesDir, locator, executors, url: served.url, token: served.token },
      running: () => yard.running(),
      async stop() {
        removeServerFile(dataDir, process.pid);
        // Terraform keeps its state in the server: tasks end before it does.
        await yard.stop();
        await served.stop();
        await store.close();
      },
    };
  } catch (error) {
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

async function startServing(parts: Parts, dataDir: string, { host, port, anonymous }: DevOptions) {
  const { createServer, ensureToken } = await import("@stackyard/server");
  const token = await ensureToken(dataDir);
  const tokens = [{ name: "operator", token }];
  const server = createServer({ ...parts, version: VERSION }, { host, port, tokens, allowAnonymous: anonymous });
  const { url } = await server.start();
  return { url: toReachable(url), token, stop: () => server.stop() };
}

// Who listens on all addresses is reached by this machine's own.
function toReachable(url: string): string {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\])/, "//127.0.0.1").replace(/\/$/, "");
}
