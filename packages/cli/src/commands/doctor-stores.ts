import { existsSync, statSync } from "node:fs";
import { access, constants, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isStackyardError, type StackyardError, type Store, silentLogger, toShellCommand } from "@stackyard/core";
import type { QueuedItem, Service } from "@stackyard/core/api";
import { findBlockers, type ListedProcess, loadLiveProcesses, type StoreAnswer } from "@stackyard/core/engine";
import { hasOwnKey, OWN_SEAL_KEY } from "@stackyard/core/services";
import { Stackyard, type StackyardOptions } from "@stackyard/sdk";
import { createHttpClient, type Finding, fail, failOf, type HttpClient, look, ok, warn } from "@stackyard/sdk/commands";
import type { CommandContext } from "../command.ts";
import { formatSpan } from "../output.ts";
import { openStore, type StoreChoice, storeMissing } from "../project/store.ts";
import { type GivenServer, openServer, withServerAddress } from "../server/connection.ts";
import { readServerFile } from "../server/server-file.ts";
import { askLedStacks, readLedStacks, toLedFindings } from "./led-stacks.ts";

/** Checks the store: whether it can be made, who has it open, whether this release reads it. It is not changed. */
export async function checkStore(dataDir: string): Promise<readonly Finding[]> {
  const unusable = await findFolderFault(dataDir);
  if (unusable !== undefined) return [fail("store", unusable, "Check the path and its permissions, or set `dataDir`.")];
  const token = join(dataDir, "token");
  const { size } = statSync(join(dataDir, "stackyard.db"), { throwIfNoEntry: false }) ?? { size: 0 };
  if (size === 0 && existsSync(token)) {
    const { message, details } = storeMissing(dataDir, token);
    return [fail("store", message, String(details["hint"]))];
  }
  if (size === 0) return [ok("store", `${dataDir}: created when \`stackyard dev\` starts.`)];
  return readStore(dataDir);
}

async function readStore(dataDir: string): Promise<readonly Finding[]> {
  try {
    const { createSqliteStore } = await import("@stackyard/store-sqlite");
    const store = await createSqliteStore({ folder: dataDir, migrate: false });
    const stats = await store.queries.stats();
    const led = toLedFindings(await readLedStacks(store));
    await store.close();
    return [ok("store", `${dataDir}: ${formatStats(stats)}`), ...led];
  } catch (error) {
    if (isStackyardError(error, "STORE_LOCKED"))
      return [ok("store", `${dataDir}: in use${await formatOwner(dataDir, error)}.`)];
    if (isStackyardError(error, "STORE_UNAVAILABLE") && "found" in error.details) {
      return [warn("store", `${dataDir}: ${error.message}`, "Make a backup first: `stackyard backup FILE`.")];
    }
    return [failOf("store", error, "Restore a backup with `stackyard restore FILE --replace`.")];
  }
}

/** Returns why the data folder cannot be written, or created where it is missing; undefined when it can. */
async function findFolderFault(dataDir: string): Promise<string | undefined> {
  const folder = findExisting(dataDir);
  if (!statSync(folder).isDirectory()) return `${folder} is not a folder, so the store cannot be in ${dataDir}.`;
  try {
    await access(folder, constants.W_OK);
    return undefined;
  } catch {
    return `${folder} cannot be written.`;
  }
}

async function formatOwner(dataDir: string, { details }: StackyardError): Promise<string> {
  const { owner } = details;
  if (typeof owner !== "object" || owner === null || !("pid" in owner)) return "";
  const server = await readServerFile(dataDir);
  return server?.pid === owner.pid
    ? ` by this project's yard (process ${server?.pid})`
    : ` by process ${String(owner.pid)}`;
}

/** Checks the folder that caches Terraform's providers. */
export function checkProviderCache(folder: string): Promise<readonly Finding[]> {
  const hint = "Check the folder's permissions, or set `executors.terraform.providerCacheDir`.";
  return look("provider cache", hint, async () => {
    await access(findExisting(folder), constants.W_OK);
    return [ok("provider cache", folder)];
  });
}

const MIB = 1_048_576;
const LOW_MIB = 1_024;
const TOO_LOW_MIB = 100;

/** Checks the free space on the disk of the data folder. */
export async function checkDisk(dataDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(findExisting(dataDir));
  const freeMib = Math.floor((bavail * bsize) / MIB);
  const message = `${freeMib} MiB are free at ${dataDir}.`;
  const hint = "Make room, or move the data folder with `dataDir`.";
  if (freeMib < TOO_LOW_MIB) return fail("disk", message, hint);
  return freeMib < LOW_MIB ? warn("disk", message, hint) : ok("disk", message);
}

function findExisting(folder: string): string {
  return existsSync(folder) ? folder : findExisting(dirname(folder));
}

/** The store to look at, and what opens it. */
export interface SharedStoreInput {
  readonly projectDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Executors that the project's machines use. */
  readonly used: ReadonlySet<string>;
}

/** Looks at a store that several processes share, without bringing it up to date, and at who works on it. */
export async function checkSharedStore(
  choice: StoreChoice & { readonly kind: "package" },
  { projectDir, env, used }: SharedStoreInput,
): Promise<readonly Finding[]> {
  let store: Store | undefined;
  try {
    store = await openStore(choice, { projectDir, env, logger: silentLogger, migrate: false });
    const stats = await store.queries.stats();
    const live = await loadLiveProcesses(store.records, Date.now());
    const found = ok("store", `${choice.name}: ${formatStats(stats)}`);
    const led = toLedFindings(await readLedStacks(store));
    const seal = await findSealKey(store, env);
    return [found, seal, ...toLockFindings(await findBlockers(store)), ...led, ...evaluateProcesses(live, used)];
  } catch (error) {
    return [failOf("store", error, "Check the connection: DATABASE_URL, or the options of `store`.")];
  } finally {
    await store?.close();
  }
}

const SEAL_VARIABLES = ["STACKYARD_SEAL_KEY", "STACKYARD_SEAL_KEY_FILE", "STACKYARD_SEAL_KMS_KEY"];

/** Says where the key lies that seals sensitive values, and how to bring another one. */
async function findSealKey({ records }: Store, env: SharedStoreInput["env"]): Promise<Finding> {
  const given = SEAL_VARIABLES.find((name) => env[name]);
  if (given !== undefined) return ok("seal key", `${given} seals sensitive values.`);
  const isMade = await hasOwnKey({ records, clock: { now: Date.now } });
  const where = isMade ? "seals with a key of its own" : "makes a key of its own when a server or worker starts";
  const message = `The yard ${where}, in its store (record ${OWN_SEAL_KEY}): who can read the database can read sensitive values.`;
  return ok(
    "seal key",
    `${message} To use a key of yours, set ${SEAL_VARIABLES[0]} in all processes, restart them, and run \`stackyard reseal\`.`,
  );
}

/** Returns a finding when other sessions hold rows of the store locked. */
export function toLockFindings({ blockedBy = [] }: StoreAnswer): readonly Finding[] {
  if (blockedBy.length === 0) return [];
  const message = `Rows of the store are locked by ${blockedBy.join(", ")}. Their stacks wait; the others continue.`;
  return [warn("locks", message, "End that transaction, or its session with pg_terminate_backend.")];
}

/** Evaluates the list of a yard's processes: missing roles, different versions that run together, and clocks that differ. */
export function evaluateProcesses(
  processes: readonly Pick<ListedProcess, "id" | "host" | "roles" | "version" | "executors" | "aheadMs">[],
  used: ReadonlySet<string>,
): readonly Finding[] {
  const engines = processes.filter(({ roles }) => roles.includes("engine"));
  const workers = processes.filter(({ roles }) => roles.includes("worker") && !roles.includes("engine"));
  const versions = [...new Set(processes.map(({ version }) => version))].sort();
  const offered = new Set(processes.flatMap(({ executors }) => executors));
  const missing = [...used].filter((name) => !offered.has(name)).sort();
  const counts = `${formatCount(engines, "server")}, ${formatCount(workers, "worker")}`;
  const findings = [
    engines.length === 0
      ? warn("processes", `${counts}: no process applies events.`, "Start `stackyard server`.")
      : ok("processes", `${counts}, version ${versions.join(" and ")}.`),
  ];
  if (missing.length > 0) {
    const message = `No worker runs tasks of ${missing.join(", ")}, so they wait.`;
    findings.push(warn("workers", message, "Start `stackyard worker` with the plugins of these executors."));
  }
  if (versions.length > 1) {
    const message = `${versions.join(" and ")} run at the same time.`;
    findings.push(warn("versions", message, "Finish the upgrade. `stackyard ps` lists the versions."));
  }
  const ahead = processes.flatMap(({ id, host, aheadMs }) =>
    aheadMs === undefined ? [] : [`${id} on ${host} by ${formatSpan(aheadMs)}`],
  );
  if (ahead.length > 0) {
    const message = `The clock of a process is ahead: ${ahead.join(", ")}.`;
    findings.push(warn("clocks", message, "Set the clocks with NTP: leases and timers depend on them."));
  }
  return findings;
}

function formatStats({ stacks, deadLetters }: { readonly stacks: number; readonly deadLetters: number }): string {
  return `${formatCount({ length: stacks }, "stack")}, ${formatCount({ length: deadLetters }, "dead-lettered event")}.`;
}

function formatCount({ length }: { readonly length: number }, noun: string): string {
  return `${length} ${noun}${length === 1 ? "" : "s"}`;
}

/**
 * Looks whether the server answers, takes the token, and whether the services of plugins work; with `used`, the executors that machines
 * use, also at the processes of its yard.
 */
export async function checkServer(
  { cwd, env, out, signal }: CommandContext,
  given: GivenServer,
  used?: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  try {
    const { close, ...server } = await openServer({ cwd, env, out }, given);
    try {
      await toYard(server).events.list({ limit: 1, signal });
      return [
        ...(used === undefined ? [] : await skipForbidden(() => checkProcesses(server, used, signal))),
        ...(used === undefined ? [] : await checkReadiness(server, signal)),
        ok("server", `${server.url} answers.`),
        ...(await skipForbidden(async () => toLedFindings(await askLedStacks(toYard(server), signal)))),
        ...(await skipForbidden(() => checkServices(server, signal))),
      ];
    } catch (error) {
      if (!isStackyardError(error, "UNAUTHENTICATED"))
        return [failOf("server", withServerAddress(error), `Check the address ${server.url}.`)];
      const hint = "Pass another token with --token or STACKYARD_TOKEN.";
      return [fail("server", `${server.url} does not accept the token.`, hint)];
    } finally {
      await close();
    }
  } catch (error) {
    if (!isStackyardError(error, "UNREACHABLE")) return [failOf("server", error, "Check --url and STACKYARD_URL.")];
    const hint = "Start it with `stackyard dev`, or `stackyard server` for a team.";
    return [warn("server", error.message, typeof error.details["hint"] === "string" ? error.details["hint"] : hint)];
  }
}

function toYard(server: StackyardOptions): Stackyard {
  return new Stackyard({ ...server, retries: 0 });
}

/** Checks the processes that a server lists: the same facts as from the database, which a laptop has not. */
async function checkProcesses(
  server: StackyardOptions,
  used: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { items } = await toYard(server).processes.list({
    limit: Number.POSITIVE_INFINITY,
    signal,
  });
  return evaluateProcesses(
    items.filter(({ gone }) => !gone),
    used,
  );
}

/** Checks whether the server's store takes writes, and whether rows of it are locked. */
async function checkReadiness(server: StackyardOptions, signal: AbortSignal): Promise<readonly Finding[]> {
  try {
    const http = createHttpClient({ ...server, retries: 0 });
    return toLockFindings(await http.requestJson<StoreAnswer>({ path: ["health", "ready"], signal }));
  } catch (error) {
    // A proxy may keep the path to itself.
    if (isStackyardError(error, "NOT_FOUND") || isStackyardError(error, "FORBIDDEN")) return [];
    return [failOf("store", error, "Check the database of the server.")];
  }
}

/** Checks whether the services of plugins work. */
async function checkServices(server: StackyardOptions, signal: AbortSignal): Promise<readonly Finding[]> {
  const http = createHttpClient({ ...server, retries: 0 });
  const { items } = await http.requestJson<{ items: readonly Service[] }>({ path: ["v1", "services"], signal });
  const services = items.map(({ name, failure }) => {
    if (failure === undefined) return ok("services", `${name} works.`);
    const { count, firstAt, message } = failure;
    const text = `${name} has failed ${count} times since ${firstAt}: ${message}`;
    return fail("services", text, "Correct the cause. The server retries automatically.");
  });
  return [...services, ...(await checkQueues(http, signal))];
}

/** Skips what only those who may see the whole yard can read. */
async function skipForbidden(check: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await check();
  } catch (error) {
    if (isStackyardError(error, "FORBIDDEN")) return [];
    throw error;
  }
}

/** The most items of the services' queues that are read. More are listed by `stackyard queue ls`. */
const MOST_ITEMS = 1_000;

/** Looks for work of services that waits for a person. */
async function checkQueues(http: HttpClient, signal: AbortSignal): Promise<readonly Finding[]> {
  const request = { path: ["v1", "queue"], query: { limit: MOST_ITEMS }, signal };
  const { items } = await http.requestJson<{ items: readonly QueuedItem[] }>(request);
  return toQueueFindings(items);
}

/** Work that failed so often in a row is more than a short interruption. */
const MANY_FAILURES = 5;

/** Returns findings for items in queues that need attention. */
export function toQueueFindings(items: readonly Pick<QueuedItem, "queue" | "key" | "failure" | "deadAt">[]) {
  const isFailing = ({ failure, deadAt }: (typeof items)[number]): boolean =>
    deadAt === undefined && (failure?.count ?? 0) >= MANY_FAILURES;
  const byQueue = (found: typeof items) => [...Map.groupBy(found, ({ queue }) => queue)];
  const format = (found: typeof items): string => `such as ${found[0]?.key}: ${found[0]?.failure?.message}`;
  return [
    ...byQueue(items.filter(({ deadAt }) => deadAt !== undefined)).map(([queue, letters]) => {
      const text = `${queue} has ${formatCount(letters, "dead letter")}, ${format(letters)}`;
      return warn(
        "queues",
        text,
        `Correct the cause, then repeat them: \`${toShellCommand`stackyard queue redrive ${queue} KEY`}\`.`,
      );
    }),
    ...byQueue(items.filter(isFailing)).map(([queue, failing]) => {
      const text = `${queue} has ${formatCount(failing, "item")} that failed again and again, ${format(failing)}`;
      return warn("queues", text, "Correct the cause. The server retries automatically.");
    }),
  ];
}
