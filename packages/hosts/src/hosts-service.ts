import { resolve } from "node:path";
import { isMap, mapLimited, type PluginContext, type PluginService, type ServiceDeps } from "@stackyard/core";
import {
  createHookDeliveries,
  createKeyedQueue,
  type HookOutcome,
  type KeyedQueue,
  type QueueClaim,
} from "@stackyard/core/services";
import { type CodeHosts, createCodeHosts, type HostPorts } from "./code-hosts.ts";
import { describeHook, digestOf } from "./delivery/describe-delivery.ts";
import { type HandledHook, handleHook } from "./delivery/handle-hook.ts";
import { HookFailed, HookUndecided } from "./delivery/hook-errors.ts";
import { createPersonFinder, type FindPerson } from "./delivery/linked-people.ts";
import type { HandleDeps } from "./delivery/publish-event.ts";
import { createReceiver, type NamedHost, type QueuedHook } from "./delivery/receive.ts";
import { checkFormer, type HostsOptions, toPollMs } from "./host-options.ts";
import { createCommitLister } from "./list-commits.ts";
import { loadMappings } from "./mapping/load-mappings.ts";
import type { Mapping } from "./mapping/mapping.ts";
import { toConvergeItem } from "./poll/converge.ts";
import { createPollService } from "./poll/poll-service.ts";
import { listRenamed, type RenamedHost, takeOverHost, toPresentName } from "./poll/take-over-host.ts";
import type { ReportRequest } from "./report/report-records.ts";
import {
  createReportService,
  listReportKinds,
  type OpenReportQueue,
  REPORTS,
  requestReport,
  requestReports,
} from "./report/report-service.ts";

/** Claimed together, and decided within their minute. */
const AT_ONCE = 64;
/** The yard has most often decided about the events of a command by then. */
const ANSWER = { dueMs: 1_000, maxWaitMs: 1_000 };
/** The API of a host has most often caught up with its webhooks by then. */
const READ_AGAIN_MS = 30_000;
/** Pull requests that are decided concurrently. */
const LANES = 8;

/**
 * Creates the service that receives deliveries of the hosts and decides about them, and the one that reads missed ones.
 * Returns none without hosts.
 */
export function createHostsServices(
  { hosts = {}, documents = "hooks" }: HostsOptions,
  {
    projectDir,
    url,
    environment = {},
  }: Pick<PluginContext, "projectDir" | "url"> & Partial<Pick<PluginContext, "environment">>,
  ports: HostPorts = globalThis,
): readonly PluginService[] {
  const named = Object.entries(hosts).map(([name, options]): NamedHost => ({ name, options }));
  if (named.length === 0) return [];
  const codeHosts = createCodeHosts(named, ports);
  const findPerson = createPersonFinder(named);
  for (const host of named) toPollMs(host);
  checkFormer(hosts);
  const open = createQueueOpener();
  const openQueue = (deps: ServiceDeps): KeyedQueue => open(deps, "hooks");
  const openReportQueue: OpenReportQueue = (deps, host) => open(deps, `reports-${host}`);
  const folder = resolve(projectDir, documents);
  const yardName = environment["YARD_NAME"];
  const warned = new Set<string>();
  /** Warns of documents with a host that is not in the options: they get no deliveries. */
  const warnOfUnknownHosts = ({ logger }: ServiceDeps, mappings: readonly Mapping[]): void => {
    for (const { name, host } of mappings.filter((each) => !Object.hasOwn(hosts, each.host))) {
      if (warned.has(`${name} ${host}`)) continue;
      warned.add(`${name} ${host}`);
      const known = Object.keys(hosts).join(", ");
      logger.warn("A mapping document is for a host that is not in the options.", { document: name, host, known });
    }
  };
  const reported = named.filter((host) => listReportKinds(host).length > 0);
  const reportedNames = new Set(reported.map(({ name }) => name));
  async function takeOver(deps: ServiceDeps, renamed: RenamedHost): Promise<void> {
    await takeOverHost(deps, renamed);
    // Events under the former name may not be reported yet.
    const { to } = renamed;
    if (reportedNames.has(to)) await requestReports(deps, openReportQueue(deps, to), to);
  }
  const service: PluginService = {
    name: "hosts",
    routes: named.map((host) => createReceiver(host, openQueue)),
    listCommits: createCommitLister(named, codeHosts),
    async dueAt(deps) {
      // Faults are reported also while no delivery comes.
      warnOfUnknownHosts(deps, await loadMappings(folder));
      return openQueue(deps).dueAt();
    },
    async tick(deps, until) {
      const mappings = await loadMappings(folder);
      const queue = openQueue(deps);
      // A delivery that is decided on before would not find the stack of its pull request.
      for (const renamed of await listRenamed(deps, named)) await takeOver(deps, renamed);
      const worker = { ...deps, hosts: named, mappings, findPerson, queue, codeHosts, reportedNames, openReportQueue };
      for (;;) {
        const { claims, nextAt } = await queue.claim(AT_ONCE);
        const groups = Map.groupBy(claims, toLane);
        await mapLimited([...groups.values()], LANES, async (group) => {
          for (const claim of group.toSorted(byReceipt)) await work(worker, claim);
        });
        if (claims.length === 0 || deps.signal.aborted || deps.clock.now() >= until) return nextAt;
      }
    },
  };
  return [
    service,
    createPollService({ hosts: named, folder, openQueue, codeHosts, takeOver }),
    createReportService({ hosts: reported, codeHosts, openQueue: openReportQueue, yardUrl: url, yardName }),
  ];
}

/** Creates what opens the queues. A queue counts its items, so there is one per store and name. */
function createQueueOpener() {
  const queues = new WeakMap<object, Map<string, KeyedQueue>>();
  return (deps: ServiceDeps, name: string): KeyedQueue => {
    const known = queues.get(deps.records) ?? new Map<string, KeyedQueue>();
    queues.set(deps.records, known);
    const queue = known.get(name) ?? createKeyedQueue(deps, name);
    known.set(name, queue);
    return queue;
  };
}

/** Claims are in the order of their keys. */
function byReceipt({ value: one }: QueueClaim, { value: other }: QueueClaim): number {
  const toAt = (value: unknown): number => (isQueued(value) ? (value.receivedAt ?? value.readAt ?? 0) : 0);
  return toAt(one) - toAt(other);
}

/** Items of one pull request, or of one ref, are decided on one after the other. */
function toLane({ key, value }: QueueClaim): string {
  if (!isQueued(value)) return key;
  const { host, hook, pullNumber: number = hook.pull?.number } = value;
  const subject = number ?? hook.push?.ref;
  return subject === undefined ? key : `${host} ${hook.repository?.id} ${subject}`;
}

interface WorkDeps extends ServiceDeps {
  readonly hosts: readonly NamedHost[];
  readonly mappings: HandleDeps["mappings"];
  readonly findPerson: FindPerson;
  readonly queue: KeyedQueue;
  readonly codeHosts: CodeHosts;
  /** The names of the hosts that are reported to. */
  readonly reportedNames: ReadonlySet<string>;
  readonly openReportQueue: OpenReportQueue;
}

async function work(deps: WorkDeps, claim: QueueClaim): Promise<void> {
  const { queue, signal, clock, logger } = deps;
  // Unfinished items are claimed again after their minute.
  if (signal.aborted || clock.now() >= claim.until) return;
  const queued = claim.value;
  try {
    if (!isQueued(queued)) throw new HookFailed("HOOK_FAILED: the item is not a delivery.");
    const own = { ...queued, host: toPresentName(deps.hosts, queued.host) };
    const codeHost = await deps.codeHosts.open(own.host, deps);
    const named = deps.hosts.find(({ name }) => name === own.host);
    const summarizes = named !== undefined && listReportKinds(named).includes("summary");
    await store(deps, claim.key, queued, await handleHook({ ...deps, codeHost, summarizes }, own));
    await queue.done(claim);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isFinal = error instanceof HookFailed;
    if (!(error instanceof HookUndecided)) {
      logger.warn("A delivery of a code host could not be handled.", { key: claim.key, isFinal, error });
    }
    await (isFinal ? queue.bury(claim, message) : queue.fail(claim, message));
  }
}

async function store(
  deps: WorkDeps,
  key: string,
  queued: QueuedHook,
  { outcome, report, isBehind, published }: HandledHook,
): Promise<void> {
  const host = toPresentName(deps.hosts, queued.host);
  if (outcome !== undefined) await note(deps, queued, outcome);
  if (published !== undefined) await deps.queue.put(key, { ...queued, published }, ANSWER);
  if (isBehind === true) await readAgain(deps, { ...queued, host });
  if (report !== undefined) await request(deps, host, report);
}

/** Queues the pull request of a delivery, whose host has not caught up with it. */
async function readAgain({ queue, clock }: WorkDeps, { host, hook, pullNumber }: QueuedHook): Promise<void> {
  const { repository, pull } = hook;
  const number = pullNumber ?? pull?.number;
  if (repository === undefined || number === undefined) return;
  const item = toConvergeItem({ host, repository, number, readAt: clock.now() });
  await queue.put(item.key, item.queued, { dueMs: READ_AGAIN_MS, maxWaitMs: READ_AGAIN_MS });
}

async function request(deps: WorkDeps, host: string, report: ReportRequest): Promise<void> {
  if (!deps.reportedNames.has(host)) return;
  await requestReport(deps.openReportQueue(deps, host), report);
  deps.wake(REPORTS);
}

/** Remembers what came of a delivery, and which events followed from what was read. */
async function note(deps: WorkDeps, { host, id, digest, hook, pullNumber }: QueuedHook, outcome: HookOutcome) {
  const deliveries = createHookDeliveries(deps);
  if (digest !== undefined) return deliveries.settle(host, digest, outcome);
  const [event] = outcome.events ?? [];
  if (event === undefined) return;
  const said = { id, host, ...describeHook(hook, pullNumber), receivedAt: deps.clock.now() };
  await deliveries.add(digestOf(event.id), { ...said, outcome });
}

/** Returns true for a queued hook. The receiver has stored it, so a brief check is enough. */
function isQueued(value: unknown): value is QueuedHook {
  return isMap(value) && typeof value["host"] === "string" && isMap(value["hook"]);
}
