import { join } from "node:path";
import { CONFIG_DEFAULTS, defineCommand, defined, optionalFlag, optionalInteger, optionalText } from "@stackyard/core";
import { findProxyWarning } from "@stackyard/core/access";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import type { Output } from "../output.ts";
import { type ConfigFile, dataDirOf, loadConfigFile, projectArg } from "../project/config.ts";
import { chooseSharedStore, formatSharedStoreHint, type StoreChoice } from "../project/store.ts";
import { readVariables } from "../variables.ts";
import { type HealthListener, startHealthListener } from "../yard/health-listener.ts";
import {
  createReportPrinter,
  drainArg,
  listenArgs,
  parseDrainTimeout,
  publishAddress,
  type RunningProcess,
  runUntilSignal,
  startProcess,
  toServerAddress,
  toServerUrl,
} from "../yard/process.ts";
import { createProcessLogger } from "../yard/process-logger.ts";
import { type ApiToken, findGrantWarning, GRANT_HINT, loadApiTokens, loadClientSecret } from "../yard/settings.ts";
import { TRUSTED_PROXIES_HINT } from "./doctor-access.ts";

/** `stackyard server` */
export const server = defineCommand({
  name: "server",
  summary: "Serve the HTTP API and apply events, in a yard with several processes.",
  description: [
    "Any number of servers and workers share one Postgres (`store` in the configuration, or DATABASE_URL). A server does not run tasks: start `stackyard worker`, or pass --with-worker.",
    "STACKYARD_API_TOKENS contains the accepted tokens as name=token, separated by commas; STACKYARD_API_TOKENS_FILE names a file with them. Without either, the server accepts the token of the data folder, on loopback addresses only.",
    "On SIGTERM or Ctrl-C, the server finishes its work and exits with 0. A second signal exits immediately with 130.",
  ].join("\n"),
  examples: {
    "stackyard server --host 0.0.0.0": "Accept requests from other machines. Terminate TLS in front of it.",
    "stackyard server --with-worker": "Run server, engine and tasks in one process, with any store.",
  },
  args: Type.Object({
    ...listenArgs,
    withWorker: optionalFlag("Also run tasks."),
    ...drainArg,
    ...projectArg,
  }),
  async run(
    context: CommandContext,
    { noToken = false, withWorker = false, drainTimeout, project, yardName, ...given },
  ) {
    const { cwd, env, out } = context;
    const drainMs = parseDrainTimeout(drainTimeout);
    const logger = createProcessLogger(context);
    context.stayAlive?.(logger);
    const file = await loadConfigFile(cwd, project);
    const { host, port } = toServerAddress(file.config, given);
    // Commands in the folder of the project send its token, also to a server that needs none.
    const tokens = noToken ? await findOwnToken(file) : await findTokens(context, file, host);
    const store = chooseSharedStore(file, env);
    // With tokens from the environment, users pass the address and the token to commands.
    const isPublished = tokens.own;
    const running = await startProcess(file, {
      roles: withWorker ? ["engine", "worker"] : ["engine"],
      store: withWorker ? store : requireShared(store, SERVER_NEEDS_SHARED),
      env,
      drainMs,
      logger,
      onReport: createReportPrinter(out),
      serve: {
        host,
        port,
        anonymous: noToken,
        loadTokens: tokens.load,
        clientSecret: await loadClientSecret(env),
        yardName,
        ...(isPublished ? { proofDir: dataDirOf(file) } : {}),
      },
    });
    const removeAddress = isPublished ? await publishAddress(dataDirOf(file), running) : () => {};
    printReady(running, { out, file, withWorker, own: noToken ? undefined : tokens.own });
    const proxies = findProxyWarning(file.config.server ?? {});
    if (proxies !== undefined) logger.warn(`${proxies} ${TRUSTED_PROXIES_HINT}`);
    const grants = tokens.own ? undefined : findGrantWarning(file.config, await tokens.load());
    if (grants !== undefined) logger.warn(`${grants} ${GRANT_HINT}`);
    return runUntilSignal(context, running, { drainMs, onEnding: removeAddress });
  },
});

/** Loads the accepted tokens, and whether they are those of the data folder. */
interface ServerTokens {
  readonly own: boolean;
  readonly load: () => Promise<readonly ApiToken[]>;
}

async function findTokens({ env }: CommandContext, file: ConfigFile, host: string): Promise<ServerTokens> {
  const { isLoopbackHost } = await import("@stackyard/server");
  const given = await loadApiTokens(env);
  const { people, workloads = [] } = file.config.access ?? {};
  const hasLogins = people !== undefined || workloads.length > 0;
  if (given.length > 0 || (hasLogins && !isLoopbackHost(host))) return { own: false, load: async () => given };
  if (isLoopbackHost(host)) return findOwnToken(file);
  throw failWith("CONFIG_INVALID", `${host} is reachable from other machines, but no API token is configured.`, {
    hint: "Configure access.people, set STACKYARD_API_TOKENS=ada=<token>,ci=<another>, or listen on 127.0.0.1. `openssl rand -base64 32` generates a token.",
  });
}

async function findOwnToken(file: ConfigFile): Promise<ServerTokens> {
  const { ensureToken } = await import("@stackyard/server");
  return { own: true, load: async () => [{ name: "operator", token: await ensureToken(dataDirOf(file)) }] };
}

/** Returns a store that several processes can share. Throws `CONFIG_INVALID` with this message for another one. */
function requireShared(choice: StoreChoice, message: string): StoreChoice {
  if (choice.kind !== "sqlite") return choice;
  throw failWith("CONFIG_INVALID", message, { hint: formatSharedStoreHint() });
}

interface ReadyFacts {
  readonly out: Output;
  readonly file: ConfigFile;
  readonly withWorker: boolean;
  /** True for tokens of its own; undefined if no token is required. */
  readonly own: boolean | undefined;
}

function printReady({ id, url = "", machinesDir, executors }: RunningProcess, facts: ReadyFacts): void {
  const { out, file, withWorker, own } = facts;
  const tokenFile = own === true ? join(dataDirOf(file), "token") : undefined;
  const ready = { kind: "ready", id, url, ...defined({ tokenFile }), machinesDir, withWorker };
  const token = own === undefined ? "not required" : (tokenFile ?? "those of STACKYARD_API_TOKENS");
  const { issuer } = file.config.access?.people ?? {};
  out.result(ready, () =>
    [
      `${out.paint("bold", "Stackyard server")} ${id} is at ${out.paint("cyan", url)}`,
      `token      ${token}`,
      ...(issuer === undefined ? [] : [`people     sign in at ${issuer}`]),
      `machines   ${machinesDir}`,
      `tasks      ${withWorker ? [...executors.keys()].join(", ") : "run in `stackyard worker`"}`,
      "Ctrl-C stops.",
    ].join("\n"),
  );
}

const SERVER_NEEDS_SHARED = "No worker can join this server, because the SQLite store is for one process.";
const WORKER_NEEDS_SHARED =
  "A worker shares its store with the servers, and this project's store is SQLite, which is for one process.";

/** `stackyard worker` */
export const worker = defineCommand({
  name: "worker",
  summary: "Run tasks, in a yard with several processes.",
  description: [
    "Runs tasks from the Postgres that it shares with `stackyard server` (`store` in the configuration, or DATABASE_URL). Run as many workers as you need, with the same configuration.",
    "On SIGTERM or Ctrl-C the worker claims no new tasks, gives running tasks --drain-timeout to end, then cancels them, releases them to other workers, and exits with 0. After 5 more minutes it abandons those that have not stopped. A second signal exits immediately with 130; other workers continue its tasks when their leases expire.",
  ].join("\n"),
  examples: {
    "stackyard worker --concurrency 4": "Run up to four tasks at the same time.",
    "stackyard worker --drain-timeout 10m --health-port 7071": "Run under a service manager or an orchestrator.",
  },
  args: Type.Object({
    concurrency: optionalInteger("Maximum number of concurrent tasks. Default: `concurrency`, or 8.", {
      minimum: 1,
      maximum: 1_000,
    }),
    url: optionalText("URL of the servers, which store Terraform states. Default: STACKYARD_URL, or `server.url`.", {
      minLength: 1,
    }),
    healthPort: optionalInteger("Port for /health/live, /health/ready and /metrics; 0 selects a free one.", {
      minimum: 0,
      maximum: 65_535,
    }),
    healthHost: optionalText("Address for --health-port. Default: 127.0.0.1.", { minLength: 1 }),
    ...drainArg,
    ...projectArg,
  }),
  async run(context: CommandContext, { concurrency, url, healthPort, healthHost, drainTimeout, project }) {
    const { cwd, env, out } = context;
    const drainMs = parseDrainTimeout(drainTimeout);
    const logger = createProcessLogger(context);
    context.stayAlive?.(logger);
    const loaded = await loadConfigFile(cwd, project);
    const file = concurrency === undefined ? loaded : { ...loaded, config: { ...loaded.config, concurrency } };
    let stopping = false;
    const running = await startProcess(file, {
      roles: ["worker"],
      store: requireShared(chooseSharedStore(file, env), WORKER_NEEDS_SHARED),
      serverUrl: findServerUrl(file, url ?? readVariables(env).STACKYARD_URL),
      env,
      drainMs,
      logger,
      onReport: createReportPrinter(out),
    });
    const health = await openHealth(running, { healthPort, healthHost, isStopping: () => stopping });
    printWorkerReady(running, { out, health, concurrency: file.config.concurrency ?? CONFIG_DEFAULTS.concurrency });
    try {
      return await runUntilSignal(context, running, {
        drainMs,
        onEnding() {
          stopping = true;
        },
      });
    } finally {
      await health?.close();
    }
  },
});

/** Returns the server's address: the given one, else that of the configuration, else the default on this machine. */
function findServerUrl({ config }: ConfigFile, given: string | undefined): string {
  const text = given || config.server?.url || toServerUrl(toServerAddress(config));
  const parsed = URL.parse(text);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed.href.replace(/\/$/, "");
  throw failWith("CONFIG_INVALID", `"${text}" is not the address of a server.`, {
    hint: "Use an address such as https://stackyard.example.org.",
  });
}

interface HealthArgs {
  readonly healthPort: number | undefined;
  readonly healthHost: string | undefined;
  readonly isStopping: () => boolean;
}

async function openHealth(
  running: RunningProcess,
  { healthPort: port, healthHost: host = "127.0.0.1", isStopping }: HealthArgs,
): Promise<HealthListener | undefined> {
  if (port === undefined) return undefined;
  try {
    return await startHealthListener({ host, port, isStopping, check: () => running.check(), expose: running.expose });
  } catch (error) {
    await running.stop();
    throw error;
  }
}

interface ReadyFactsWorker {
  readonly out: Output;
  readonly health: HealthListener | undefined;
  readonly concurrency: number;
}

function printWorkerReady({ id, executors }: RunningProcess, { out, health, concurrency }: ReadyFactsWorker): void {
  const names = [...executors.keys()];
  const ready = defined({ kind: "ready", id, executors: names, concurrency, healthUrl: health?.url });
  out.result(ready, () =>
    [
      `${out.paint("bold", "Stackyard worker")} ${id} runs ${concurrency} tasks at a time`,
      `executors  ${names.join(", ")}`,
      ...(health === undefined ? [] : [`health     ${health.url}/health/ready`]),
      "Ctrl-C stops.",
    ].join("\n"),
  );
}
