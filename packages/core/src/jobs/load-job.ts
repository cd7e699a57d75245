import { type Static, Type } from "typebox";
import { chunk } from "../chunk.ts";
import { SYSTEM_EVENTS } from "../machine/event-message.ts";
import { type JobSource, parseJobSource } from "../machine/job-machine.ts";
import { defined } from "../machine/json.ts";
import { JOB_MACHINE } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import { evaluateHealth } from "../machine/stack-health.ts";
import type { Clock } from "../ports/clock.ts";
import { defineRecordKind, type RecordsDeps } from "../ports/record-kind.ts";
import { createPageBuilder, type Page } from "../ports/records.ts";
import { toStackOrder, toStackPlace } from "../ports/stack-filter.ts";
import type { AttemptView, HistoryEntry } from "../ports/stack-store.ts";
import type { ListStacksInput, StackFilter, Store } from "../ports/store.ts";

/** Dependencies of looking up a job. */
interface LoadJobDeps {
  readonly store: Pick<Store, "load" | "queries" | "revisions" | "records">;
  readonly clock: Clock;
}

/** The maximum number of lines after a job's last end: repeats of its start, late results. */
const LINES = 50;

/** Returns the state of a job; undefined when the id is unknown, or nothing of the job is kept. */
export async function findJob(deps: LoadJobDeps, jobId: string): Promise<JobView | undefined> {
  const { store, clock } = deps;
  const find = jobRecords.find({ records: store.records, clock }, jobId);
  const [[loaded], record] = await Promise.all([store.load([jobId]), find]);
  return toView(deps, jobId, loaded?.stack, record);
}

async function toView(
  { store }: LoadJobDeps,
  jobId: string,
  stack: Stack | undefined,
  record?: JobRecord,
): Promise<JobView | undefined> {
  if (stack !== undefined && stack.machine !== JOB_MACHINE) return undefined;
  const [{ items: lines }, attempts] = await Promise.all([
    store.queries.listHistory({ stackId: jobId, newestFirst: true }, { limit: LINES }),
    stack === undefined ? [] : store.queries.listAttempts(jobId),
  ]);
  const kept = lines.find(({ machineHash }) => machineHash !== undefined)?.machineHash;
  const source = await findSource(store, stack?.machineHash ?? record?.revision ?? kept);
  if (source === undefined) return undefined;
  return toJobView({ jobId, source, stack, lines, attempt: attempts[0], askedAt: record?.askedAt });
}

async function findSource(
  { revisions }: Pick<Store, "revisions">,
  hash: string | undefined,
): Promise<JobSource | undefined> {
  const revision = hash === undefined ? undefined : await revisions.get(hash);
  // The id may be that of any stack, and its history of any machine.
  return revision?.name === JOB_MACHINE ? parseJobSource(revision.source) : undefined;
}

/** A filter for jobs; a missing field matches every job. */
export interface JobFilter {
  readonly state?: JobState;
  readonly executor?: string;
}

const STACKS: Readonly<Record<JobState, StackFilter>> = {
  waiting: { state: "RUN" },
  running: { state: "RUN" },
  succeeded: { state: "DONE" },
  failed: { mainCondition: "failed" },
  cancelled: { mainCondition: "cancelled" },
};

/** Jobs that are read together: each has its attempts and a part of its history. */
const AT_ONCE = 10;

/**
 * Lists jobs that were started and are not closed, in the order of their stacks. A page may contain fewer than its
 * limit, or be empty, and still have a next one: the store records no executors, and a job is larger than its stack.
 */
export async function listJobs(
  deps: LoadJobDeps & { readonly store: Pick<Store, "queries"> },
  { state, executor }: JobFilter,
  page: ListStacksInput,
): Promise<Page<JobView>> {
  const filter: StackFilter = { machine: JOB_MACHINE, ...(state && STACKS[state]) };
  const { items, cursor, unreadable = [] } = await deps.store.queries.listStacks(filter, page);
  const order = toStackOrder(page);
  const found = createPageBuilder<JobView>(page);
  const isWanted = (view: JobView) =>
    (state ?? view.state) === view.state && (executor ?? view.executor) === view.executor;
  for (const part of chunk(items, AT_ONCE)) {
    const jobs = await Promise.all(
      part.map(async ({ stack }) => ({ stack, view: await toView(deps, stack.id, stack) })),
    );
    for (const { stack, view } of jobs) {
      if (view === undefined || !isWanted(view)) continue;
      const bytes = Buffer.byteLength(JSON.stringify(view));
      const cursor = order.toCursor(toStackPlace(order, stack));
      if (!found.add({ id: view.jobId, cursor, bytes, read: () => view })) return found.end();
    }
  }
  return { ...found.end(cursor), ...(unreadable.length === 0 ? {} : { unreadable }) };
}

/** The state of a job. `waiting`: no worker has started it yet. */
export type JobState = "waiting" | "running" | "succeeded" | "failed" | "cancelled";

/** A job as people and programs see it. Instants are epoch milliseconds. */
export interface JobView {
  readonly jobId: string;
  readonly state: JobState;
  readonly executor: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly target?: Readonly<Record<string, unknown>>;
  /** The outputs of its last end, without sensitive ones. */
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: string; readonly message: string };
  /** The newest line of its progress. */
  readonly message?: string;
  /** A cancel was requested and has not ended. */
  readonly cancelling?: true;
  /** When it was started; before that, when it was requested. */
  readonly startedAt: number;
  /** The instant of its last end; missing while it runs. */
  readonly endedAt?: number;
}

/** The facts of a job's view. */
interface JobFacts {
  readonly jobId: string;
  readonly source: JobSource;
  /** The stack, or undefined if it was not started yet or was closed. */
  readonly stack: Stack | undefined;
  /** Newest first. */
  readonly lines: readonly HistoryEntry[];
  /** The newest one. */
  readonly attempt: AttemptView | undefined;
  /** When it was requested, where that is known. */
  readonly askedAt: number | undefined;
}

/** Returns the state of a job. A closed job is read from its history; a job without a history was not started. */
export function toJobView(facts: JobFacts): JobView {
  const { jobId, source, stack, lines, attempt, askedAt } = facts;
  const { executor, config, target } = source;
  const startedAt = stack?.createdAt ?? findStart(lines) ?? askedAt ?? lines.at(-1)?.at ?? 0;
  const isWorked = stack?.state === "RUN";
  return {
    jobId,
    executor,
    config,
    startedAt,
    ...(target && { target }),
    ...(isWorked || lines.length === 0 ? toOpen(attempt) : toEnd(lines, stack)),
    ...defined({ message: attempt?.progressMessage }),
  };
}

function findStart(lines: readonly HistoryEntry[]): number | undefined {
  return lines.find(({ event, outcome }) => event === "START" && outcome === "applied")?.at;
}

type Standing = Pick<JobView, "state" | "outputs" | "error" | "endedAt" | "cancelling">;

function toOpen(attempt: AttemptView | undefined): Standing {
  const isRunning = attempt?.status === "running" || attempt?.status === "suspended";
  const state = isRunning ? "running" : "waiting";
  return attempt?.cancelling === undefined ? { state } : { state, cancelling: true };
}

function toEnd(lines: readonly HistoryEntry[], stack: Stack | undefined): Standing {
  const end = lines.find(({ from, to, outcome }) => from === "RUN" && to !== "RUN" && outcome === "applied");
  if (end !== undefined) return { ...toResult(end), ...toOutputs(end), endedAt: end.at };
  // Old lines go before the stack does, when a failed job was left for as long as it may be.
  if (stack !== undefined) return { state: toEndState(stack), endedAt: stack.enteredAt };
  const refused = lines.find(({ event, outcome }) => event === "START" && outcome === "dead-lettered");
  if (refused === undefined) return { state: "waiting" };
  const { code = "INTERNAL", reason = "It could not be started.", at } = refused;
  return { state: "failed", error: { code, message: reason }, endedAt: at };
}

/** As lists of stacks have it. */
function toEndState(stack: Stack): JobState {
  if (stack.state === "DONE") return "succeeded";
  return evaluateHealth(stack).cancelled ? "cancelled" : "failed";
}

function toResult({ event, code, description, reason }: HistoryEntry): Standing {
  if (event === SYSTEM_EVENTS.taskCompleted || event === SYSTEM_EVENTS.settleTask) return { state: "succeeded" };
  if (event === SYSTEM_EVENTS.taskCancelled) return { state: "cancelled" };
  if (event === SYSTEM_EVENTS.taskTimedOut) return { state: "failed", error: TIMED_OUT };
  const message = description ?? reason ?? "It has failed and does not say why.";
  return { state: "failed", error: { code: code ?? "INTERNAL", message } };
}

const TIMED_OUT = { code: "TASK_TIMEOUT", message: "The job did not end in time and was asked to stop." };

function toOutputs({ outputs }: HistoryEntry): Pick<JobView, "outputs"> {
  return typeof outputs === "object" && outputs !== null ? { outputs: { ...outputs } } : {};
}

/** The request of a job, kept until the start has been applied and for as long as it may be repeated. */
const JobRecord = Type.Object({
  /** The content hash of the job's revision. */
  revision: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  executor: Type.String(),
  askedAt: Type.Integer({ minimum: 0 }),
});
type JobRecord = Static<typeof JobRecord>;

/** As long as the ids of applied events are kept: a repeat after that is a new start. */
const KEEP_MS = 14 * 86_400_000;

/** Requests of jobs by id. */
export const jobRecords = defineRecordKind({
  prefix: "job/",
  value: JobRecord,
  holds: "requests of jobs",
  kept: "14 days",
  damaged: "missing",
});

/** Stores the request of a job. The first one counts: returns the stored one. */
export async function putJobRecord(deps: RecordsDeps, jobId: string, value: JobRecord): Promise<JobRecord> {
  const isFirst = await jobRecords.add(deps, jobId, { value, expiresAt: value.askedAt + KEEP_MS });
  return isFirst ? value : ((await jobRecords.find(deps, jobId)) ?? value);
}
