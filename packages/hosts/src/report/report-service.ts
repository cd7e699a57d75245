import { createHash } from "node:crypto";
import { backoff, isMap, mapLimited, type PluginService, type ServiceDeps } from "@stackyard/core";
import { loadSharedKey } from "@stackyard/core/engine";
import {
  createFollower,
  type FollowedLines,
  type KeyedQueue,
  previewLinks,
  type QueueClaim,
} from "@stackyard/core/services";
import type { CodeHost } from "../code-host.ts";
import type { CodeHosts } from "../code-hosts.ts";
import type { NamedHost } from "../delivery/receive.ts";
import { findKey, type ReportKind } from "../host-options.ts";
import { guardReports } from "./guarded-reports.ts";
import type { PullPlace } from "./report-host.ts";
import { type Reported, reportPull } from "./report-pull.ts";
import { listReports, mergeRequests, type ReportRequest, toReportKey } from "./report-records.ts";
import { endStop, noteStop } from "./report-stops.ts";
import { createReportTurns, type ReportTurns } from "./report-turns.ts";

/** The service's name, which wakes it. */
export const REPORTS = "hosts-reports";

/** A report is due so long after the last change, and at most so long after the first. */
const CHANGE = { dueMs: 3_000, maxWaitMs: 15_000 };
/** While tasks run a report is made again. */
const REFRESH_MS = 30_000;
const REFRESH = " refresh";
/** A repository whose reports are all dead letters is retried after that time. */
const PROBE_MS = 3_600_000;
const PROBE = " probe";
/** The history is read so often. */
const READ_MS = 2_000;
/** Claimed together, and reported within their minute. */
const AT_ONCE = 32;
/** Pull requests that are reported concurrently. */
const LANES = 4;
/** A host that does not answer is tried again. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;

/** Opens the queue of reports to a host. */
export type OpenReportQueue = (deps: ServiceDeps, host: string) => KeyedQueue;

/** Returns the kinds of reports to write. They need an App or a token. */
export function listReportKinds({ options }: NamedHost): readonly ReportKind[] {
  if (options.type === "standard" || findKey(options) === undefined) return [];
  return options.reports ?? ["comment", "check", "deployment"];
}

/** Queues a report to a pull request. */
export async function requestReport(queue: KeyedQueue, request: ReportRequest): Promise<void> {
  const merge = (before: unknown, later: unknown) => mergeRequests(toRequest(before), toRequest(later));
  await queue.put(toReportKey(request.place), request, { ...CHANGE, merge });
}

/** The hosts to report to. */
export interface ReportInput {
  readonly hosts: readonly NamedHost[];
  readonly codeHosts: CodeHosts;
  readonly openQueue: OpenReportQueue;
  /** Where people reach the yard. */
  readonly yardUrl: string | undefined;
  /** The name of the yard, for checks. */
  readonly yardName: string | undefined;
}

/**
 * Creates the service that reports to pull requests. It follows the history of the yard, and writes the facts at the
 * time of writing: while a host does not answer nothing is lost, and nothing is sent twice.
 */
export function createReportService({ hosts, codeHosts, openQueue, yardUrl, yardName }: ReportInput): PluginService {
  const pauses = new Map<string, Pause>();
  const turns = new Map<string, ReportTurns>();

  async function work(deps: ServiceDeps, named: NamedHost, end: () => boolean): Promise<number> {
    const { name: host } = named;
    const pause = pauses.get(host);
    if (pause !== undefined && pause.until > deps.clock.now()) return pause.until;
    const codeHost = await codeHosts.open(host, deps);
    if (codeHost === undefined) return Number.POSITIVE_INFINITY;
    const queue = openQueue(deps, host);
    const { claims, nextAt = Number.POSITIVE_INFINITY } = await queue.claim(AT_ONCE);
    if (claims.length === 0) return nextAt;
    const worker = {
      ...deps,
      host,
      kinds: new Set(listReportKinds(named)),
      codeHost,
      queue,
      pauses,
      turns: turns.get(host) ?? createReportTurns(Math.random),
      end,
      yardId: await loadYardId(deps),
      yardUrl,
      yardName,
      canApprove: "people" in named.options,
    };
    turns.set(host, worker.turns);
    const groups = Map.groupBy(claims, ({ key }) => key.replace(REFRESH, ""));
    await mapLimited([...groups.values()], LANES, async (group) => {
      for (const claim of group) await reportClaim(worker, claim);
    });
    return 0;
  }

  /** Polls the history and the due reports once. Returns when to poll again. */
  async function look(deps: ServiceDeps, end: () => boolean): Promise<number> {
    // First, and between two pages: a history that cannot be read, or a queue that is full, stops no report.
    const nexts = await Promise.all(hosts.map((host) => work(deps, host, end)));
    const read = await createFollower(deps, REPORTS).next((lines) => queueLines(deps, lines, { hosts, openQueue }));
    throwRefused(pauses, deps.clock.now());
    return read.hasMore ? deps.clock.now() : Math.min(...nexts, deps.clock.now() + READ_MS);
  }

  return {
    name: REPORTS,
    async dueAt(deps) {
      if (hosts.length === 0) return undefined;
      const now = deps.clock.now();
      throwRefused(pauses, now);
      if (await createFollower(deps, REPORTS).isBehind()) return now;
      const dues = await Promise.all(hosts.map(({ name }) => openQueue(deps, name).dueAt()));
      return Math.min(now + READ_MS, ...dues.filter((at) => at !== undefined));
    },
    async tick(deps, until) {
      if (hosts.length === 0) return undefined;
      const { clock, signal } = deps;
      const end = (): boolean => signal.aborted || clock.now() >= until;
      for (;;) {
        const nextAt = await look(deps, end);
        if (end() || nextAt > clock.now()) return nextAt;
      }
    },
  };
}

/** Why nothing is sent to a host for a while. */
interface Pause {
  readonly until: number;
  readonly count: number;
  /** A message for people. */
  readonly message?: string;
}

/** Throws a rejection, which `stackyard doctor` shows. Other requests are repeated in the next tick. */
function throwRefused(pauses: ReadonlyMap<string, Pause>, now: number): void {
  for (const { message, until } of pauses.values()) {
    if (message !== undefined && until > now) throw new Error(message);
  }
}

async function loadYardId({ records, clock }: ServiceDeps): Promise<string> {
  const key = await loadSharedKey(records, "hooks/yard", clock.now());
  return createHash("sha256").update(key).digest("hex").slice(0, 24);
}

/** Queues reports about the stacks in these lines. */
async function queueLines(
  deps: ServiceDeps,
  { lines, hasGap }: FollowedLines,
  { hosts, openQueue }: Pick<ReportInput, "hosts" | "openQueue">,
): Promise<void> {
  for (const stackId of new Set(lines.map((line) => line.stackId))) {
    const link = await previewLinks.find(deps, stackId);
    if (link === undefined || !hosts.some(({ name }) => name === link.host)) continue;
    const { repository, number } = link;
    await requestReport(openQueue(deps, link.host), { place: { repository, number }, answers: [] });
  }
  if (!hasGap) return;
  for (const { name } of hosts) await requestReports(deps, openQueue(deps, name), name);
}

/** Queues a report to each pull request of a host that was reported to before. */
export async function requestReports(
  deps: Pick<ServiceDeps, "records" | "clock">,
  queue: KeyedQueue,
  host: string,
): Promise<void> {
  for await (const { place } of listReports(deps, host)) await requestReport(queue, { place, answers: [] });
}

interface ReportWorker extends ServiceDeps {
  readonly host: string;
  readonly kinds: ReadonlySet<ReportKind>;
  readonly codeHost: CodeHost;
  readonly queue: KeyedQueue;
  readonly pauses: Map<string, Pause>;
  readonly turns: ReportTurns;
  readonly yardId: string;
  readonly yardUrl: string | undefined;
  readonly yardName: string | undefined;
  readonly canApprove: boolean;
  readonly end: () => boolean;
}

async function reportClaim(worker: ReportWorker, given: QueueClaim): Promise<void> {
  const { queue, host, codeHost, pauses, clock, end } = worker;
  const now = clock.now();
  // Unfinished items are claimed again after their minute.
  if (end() && now >= given.until) return;
  const pause = pauses.get(host);
  if (pause !== undefined && pause.until > now) return void (await queue.later(given, pause.until));
  const { reports } = codeHost;
  if (reports === undefined) return void (await queue.bury(given, `Nothing can be reported to ${host}.`));
  const held = holdClaim(worker, given);
  const request = toRequest(given.value);
  try {
    const reported = await reportPull({ ...worker, reports: guardReports(reports, held.confirm) }, request);
    pauses.delete(host);
    const claim = held.claim();
    if (reported.kind === "wait") return void (await queue.later(claim, findTurn(worker, claim, reported)));
    if (reported.hasWritten) await resume(worker, request.place);
    else if (claim.key.endsWith(PROBE)) await probeNext(worker, request.place);
    if (reported.isBusy) {
      const key = `${toReportKey(request.place)}${REFRESH}`;
      const again: ReportRequest = { place: request.place, answers: [] };
      // Counted from this report: the current item may be old.
      await queue.put(key, again, { dueMs: REFRESH_MS, maxWaitMs: Number.POSITIVE_INFINITY });
    }
    await queue.done(claim);
  } catch (error) {
    await settleFailure(worker, { claim: held.claim(), request }, error);
  }
}

/** Keeps a claim for as long as its work takes. `confirm` returns false after another claim began. */
function holdClaim({ queue, clock }: Pick<ReportWorker, "queue" | "clock">, given: QueueClaim) {
  let claim = given;
  return {
    claim: () => claim,
    async confirm(): Promise<boolean> {
      if (clock.now() < claim.until) return true;
      const renewed = await queue.renew(claim);
      claim = renewed ?? claim;
      return renewed !== undefined;
    },
  };
}

/** Returns when to retry: many may wait for the same capacity, and each gets its turn. */
function findTurn(
  { turns, clock }: ReportWorker,
  { key }: QueueClaim,
  { until, room }: Extract<Reported, { readonly kind: "wait" }>,
): number {
  return room === undefined ? until : turns.take({ key, until, ...room }, clock.now());
}

/** Repeats reports that a host has rejected before. */
async function resume(worker: ReportWorker, { repository }: PullPlace): Promise<void> {
  const { host, queue } = worker;
  if (!(await endStop(worker, { host, repository }))) return;
  for await (const { place } of listReports(worker, host)) {
    if (place.repository.id === repository.id) await requestReport(queue, { place, answers: [] });
  }
}

/** Probes the next pull request if this one had nothing to write; after the last one the stop has ended. */
async function probeNext(worker: ReportWorker, { repository, number }: PullPlace): Promise<void> {
  const { host, queue } = worker;
  const next = await findFirst(worker, repository, number);
  if (next === undefined) return void (await endStop(worker, { host, repository }));
  await queue.put(`${repository.id}${PROBE}`, { place: next, answers: [] }, { dueMs: 0, maxWaitMs: 0 });
}

/** Finds the first pull request after a number that was reported to. */
async function findFirst(
  worker: ReportWorker,
  { id }: PullPlace["repository"],
  after: number,
): Promise<PullPlace | undefined> {
  let first: PullPlace | undefined;
  for await (const { place } of listReports(worker, worker.host)) {
    const { repository, number } = place;
    if (repository.id === id && number > after && number < (first?.number ?? Infinity)) first = place;
  }
  return first;
}

interface FailedReport {
  readonly claim: QueueClaim;
  readonly request: ReportRequest;
}

async function settleFailure(worker: ReportWorker, failed: FailedReport, error: unknown): Promise<void> {
  const { claim } = failed;
  const { queue, host, codeHost, pauses, clock, logger } = worker;
  const message = error instanceof Error ? error.message : String(error);
  const fault = codeHost.toFault(error);
  logger.warn("A report to a code host failed.", { host, key: claim.key, error });
  if (fault === undefined) return void (await queue.fail(claim, message));
  if (fault.kind === "refused") return void (await queue.bury(claim, `The host refuses the report: ${message}`));
  if (fault.kind === "forbidden") return stop(worker, failed, `The host refuses the report: ${message}`);
  const count = (pauses.get(host)?.count ?? 0) + 1;
  const pausedMs = backoff(count, { first: FIRST_PAUSE_MS, most: LONGEST_PAUSE_MS });
  const until = fault.kind === "waiting" ? fault.until : clock.now() + pausedMs;
  const refused = `Nothing is reported to ${host}: it refuses the App's key or the token. ${message}`;
  if (fault.kind === "unauthorized") await noteStop(worker, { host }, message);
  pauses.set(host, { until, count, ...(fault.kind === "unauthorized" && { message: refused }) });
  await queue.later(claim, until);
}

/** Stops reports to a repository; others continue. When all its items are dead letters, one keeps probing. */
async function stop(worker: ReportWorker, { claim, request }: FailedReport, message: string): Promise<void> {
  const { queue, host } = worker;
  const { place } = request;
  const { repository } = place;
  await noteStop(worker, { host, repository }, message);
  if ((await queue.fail(claim, message)) !== "dead") return;
  // Pull requests before a probe's were not rejected.
  const first = claim.key.endsWith(PROBE) ? place : ((await findFirst(worker, repository, 0)) ?? place);
  const probe: ReportRequest = { place: first, answers: [] };
  await queue.put(`${repository.id}${PROBE}`, probe, { dueMs: PROBE_MS, maxWaitMs: PROBE_MS });
}

function toRequest(value: unknown): ReportRequest {
  if (isRequest(value)) return value;
  throw new Error("The item is not a report.");
}

/** Returns true for a request. Only this service writes its queues, so a brief check is enough. */
function isRequest(value: unknown): value is ReportRequest {
  return isMap(value) && isMap(value["place"]) && Array.isArray(value["answers"]);
}
