import type { Sender } from "../access/sender.ts";
import { prepareJob, toJobEvent } from "../engine/attempts/attempt-result.ts";
import { findFaults } from "../engine/attempts/check-step.ts";
import { createUlids } from "../engine/built-in-ports.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { listPages, type PageStart } from "../list-pages.ts";
import { SYSTEM_EVENTS } from "../machine/event-message.ts";
import type { ExecutorDefinition, ExecutorRegistry } from "../machine/executor-definition.ts";
import { defined, findRoundedFault } from "../machine/json.ts";
import { JOB_MACHINE } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Page, PageInput } from "../ports/records.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import type { ListStacksInput, Store } from "../ports/store.ts";
import type { Transport } from "../ports/transport.ts";
import { findJob, type JobFilter, type JobView, jobRecords, listJobs, putJobRecord } from "./load-job.ts";

/** The job to run. */
export interface JobRequest {
  /** The caller's own, at most 255 characters: a repeat finds the same job. Without it every call is another job. */
  readonly key?: string;
  /** The id of a job without a key, for a caller that needs it before the start. Default: a new one. */
  readonly ulid?: string;
  readonly executor: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The account and region to work in. Default: the runner's own. */
  readonly target?: Readonly<Record<string, unknown>>;
  /** Default: the executor's own, else one hour. */
  readonly timeoutMs?: number;
  /** The name of who asks, for histories. Default: the name of `sender`. */
  readonly actor?: string;
  /** Who asks, as the caller has verified. */
  readonly sender?: Sender;
}

/** Who asks, and why. */
export interface JobOptions {
  /** The name of who asks, for histories. Default: the name of `sender`. */
  readonly actor?: string;
  /** Who asks, as the caller has verified. */
  readonly sender?: Sender;
  readonly reason?: string;
}

/** Dependencies of jobs. */
export interface JobsDeps {
  readonly store: Store;
  /** Default: the store's own queue. */
  readonly transport?: Pick<Transport, "publish">;
  /** Those that a job may be started with. */
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
  /** Default: ULIDs. */
  readonly ids?: Ids;
}

/** Jobs without a machine: one task each, which can be watched, cancelled and tried again. */
export interface Jobs {
  /**
   * Starts a job, unless its key has started one before: then that one is returned, whatever the rest of the request. A
   * repeat completes a call that was interrupted anywhere. Throws `EXECUTOR_UNKNOWN`, `CONFIG_INVALID`,
   * `PAYLOAD_TOO_LARGE`, and `OUTCOME_NEGATIVE` when the key is that of another executor's job.
   */
  start(request: JobRequest): Promise<{ readonly jobId: string }>;
  /** Finds a job, from its start on; undefined when none is stored under that id. */
  find(jobId: string): Promise<JobView | undefined>;
  /**
   * Lists jobs that an engine has started, until they are closed. Sorted like stacks: `createdAt` is when a job
   * started, `enteredAt` when it ended. Throws `FILTER_TOO_WIDE`.
   */
  list(filter: JobFilter, page: ListStacksInput): Promise<Page<JobView>>;
  /** Cancels the job; does nothing when it has ended. Throws `NOT_FOUND`. */
  cancel(jobId: string, options?: JobOptions): Promise<void>;
  /** Runs it again with the same config. Throws `NOT_FOUND`, and `OUTCOME_NEGATIVE` unless it has failed. */
  retry(jobId: string, options?: JobOptions): Promise<void>;
  /** Returns the pages that its executor has written, in order. */
  report(jobId: string): Promise<readonly unknown[]>;
  /** Returns some of these pages at a time. */
  reportPage(jobId: string, page: PageInput): Promise<Page<unknown>>;
}

/** Creates jobs over a store. */
export function createJobs({ ids = createUlids(), ...given }: JobsDeps): Jobs {
  const deps = { ...given, ids };
  return {
    start: (request) => start(deps, request),
    find: async (jobId) => findJob(deps, parseJobId(jobId)),
    list: (filter, page) => listJobs(deps, filter, page),
    cancel: (jobId, options) => cancel(deps, parseJobId(jobId), options),
    retry: (jobId, options) => retry(deps, parseJobId(jobId), options),
    report: async (jobId) => loadReport(deps, parseJobId(jobId)),
    reportPage: async (jobId, page) => loadReportPage(deps, parseJobId(jobId), page),
  };
}

type Deps = JobsDeps & { readonly ids: Ids };

/**
 * Starts a job. The revision is stored before the record names it, and the record before the event is sent: a repeat
 * adds whatever is missing after a crash, and runs the request of the first call.
 */
async function start(deps: Deps, request: JobRequest): Promise<{ readonly jobId: string }> {
  const { store, clock, ids } = deps;
  const { executor, config, target, timeoutMs } = checkJobRequest(deps.executors, request);
  const key = request.key === undefined ? { ulid: request.ulid ?? ids.next() } : { key: request.key };
  const job = prepareJob(defined({ executor, config, ...key, target, timeoutMs }));
  const { stackId: jobId, revision } = job;
  const now = clock.now();
  const records = { records: store.records, clock };
  const found = await jobRecords.find(records, jobId);
  if (found === undefined) await store.revisions.put(revision, now);
  const asked = { revision: revision.hash, executor: executor.name, askedAt: now };
  const kept = found ?? (await putJobRecord(records, jobId, asked));
  if (kept.executor !== executor.name) throw formatTaken(kept.executor, jobId);
  if (found !== undefined && (await findJobStack(store, jobId)) !== undefined) return { jobId };
  const event = toJobEvent({ ...job, revision: { ...revision, hash: kept.revision } }, now);
  const { sender, actor = sender?.name } = request;
  await publish(deps, defined({ ...event, actor, sender }));
  return { jobId };
}

async function cancel(deps: Deps, jobId: string, options: JobOptions = {}): Promise<void> {
  const job = await findJob(deps, jobId);
  if (job === undefined) throw formatUnknown(jobId);
  if (job.endedAt !== undefined) return;
  await operate(deps, jobId, { id: deps.ids.next(), event: SYSTEM_EVENTS.cancelTask, task: { name: "run" } }, options);
}

/** Retries a job. The entry is part of the event's id: two calls for one failure are one retry. */
async function retry(deps: Deps, jobId: string, options: JobOptions = {}): Promise<void> {
  const stack = await findJobStack(deps.store, jobId);
  if (stack?.state === "FAILED") {
    return operate(deps, jobId, { id: `retry:${jobId}:${stack.entry}`, event: "RETRY" }, options);
  }
  const job = await findJob(deps, jobId);
  if (job === undefined) throw formatUnknown(jobId);
  const state = stack === undefined && job.endedAt !== undefined ? "closed" : job.state;
  const hint = "Only a job that has failed or was cancelled can be tried again, for 30 days. Start a new one.";
  throw new StackyardError("OUTCOME_NEGATIVE", `The job "${jobId}" is ${state}. ${hint}`);
}

async function operate(
  deps: Deps,
  stackId: string,
  message: { readonly id: string; readonly event: string; readonly task?: { readonly name: string } },
  { sender, actor = sender?.name, reason }: JobOptions,
): Promise<void> {
  const event = {
    id: message.id,
    stackId,
    origin: "external",
    receivedAt: deps.clock.now(),
    message: defined({ ...message, stackId, machine: JOB_MACHINE, reason }),
    actor,
    sender,
    own: true,
  } as const;
  await publish(deps, defined(event));
}

async function publish({ transport, store }: Deps, event: QueuedEvent): Promise<void> {
  await (transport === undefined ? store.enqueue([event]) : transport.publish([event]));
}

async function findJobStack(store: Pick<Store, "load">, jobId: string): Promise<Stack | undefined> {
  const [loaded] = await store.load([jobId]);
  return loaded?.stack?.machine === JOB_MACHINE ? loaded.stack : undefined;
}

/** Returns the error for a key of another executor: the caller would otherwise wait for the wrong job. */
function formatTaken(executor: string, jobId: string): StackyardError {
  const reason = `The key is that of the job "${jobId}" of the executor "${executor}". Use another one.`;
  return new StackyardError("OUTCOME_NEGATIVE", reason);
}

function formatUnknown(jobId: string): StackyardError {
  return new StackyardError("NOT_FOUND", `Job "${jobId}" not found. Jobs are kept for 1 day, failed jobs for 30 days.`);
}

const REPORT_PAGES = 100;

async function loadReport(deps: Deps, jobId: string): Promise<readonly unknown[]> {
  const pages: unknown[] = [];
  const load = (start: PageStart) => loadReportPage(deps, jobId, { limit: REPORT_PAGES, ...start });
  for await (const { items } of listPages(load)) pages.push(...items);
  return pages;
}

async function loadReportPage({ store, clock }: Deps, jobId: string, page: PageInput): Promise<Page<unknown>> {
  const listed = await store.records.list(`job-report/${jobId}/`, { ...page, now: clock.now() });
  return { ...listed, items: listed.items.map(({ value }) => value) };
}

/**
 * Returns the request with its executor. Throws `EXECUTOR_UNKNOWN`, which lists the known ones, and `CONFIG_INVALID`:
 * otherwise the caller would only get the error when the work begins.
 */
function checkJobRequest(
  executors: ExecutorRegistry,
  request: JobRequest,
): Omit<JobRequest, "executor"> & { readonly executor: ExecutorDefinition } {
  const executor = executors.get(request.executor);
  if (executor === undefined) {
    const known = [...executors.keys()].sort().join(", ") || "none";
    const reason = `Unknown executor "${request.executor}". Known: ${known}.`;
    throw new StackyardError("EXECUTOR_UNKNOWN", reason);
  }
  const faults = [
    findKeyFault(request.key),
    findConfigFault(executor, request.config),
    findTargetFault(request.target),
  ].filter((fault) => fault !== undefined);
  if (faults.length === 0) return { ...request, executor };
  throw new StackyardError("CONFIG_INVALID", `A job of "${executor.name}" cannot be started: ${faults.join("; ")}.`);
}

function findConfigFault({ config: schema }: ExecutorDefinition, config: unknown): string | undefined {
  const faults = findFaults(schema, config) ?? findRoundedFault(config);
  return faults === undefined ? undefined : `config: ${faults}`;
}

const MAX_KEY = 255;

function findKeyFault(key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  const fits = key !== "" && key.length <= MAX_KEY && key.isWellFormed() && !/\p{Cc}/u.test(key);
  return fits ? undefined : `the key needs 1 to ${MAX_KEY} characters without control characters`;
}

/** Returns the fault of an incomplete target, which would let the work run in the runner's own account. */
function findTargetFault(target: Readonly<Record<string, unknown>> | undefined): string | undefined {
  if (target === undefined) return undefined;
  const { account, region } = target;
  const isWhole = typeof account === "string" && account !== "" && typeof region === "string" && region !== "";
  return isWhole ? undefined : "the target needs an account and a region; leave it out to work in the runner's own";
}

const JOB_ID = /^[A-Za-z0-9-]{1,64}$/;

/** Returns a job's id, which is part of keys. Throws `NOT_FOUND`: nothing can be stored under any other text. */
function parseJobId(text: string): string {
  if (JOB_ID.test(text)) return text;
  throw new StackyardError("NOT_FOUND", "Job not found: an id has at most 64 letters, digits and hyphens.");
}
