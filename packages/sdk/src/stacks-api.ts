import { defined } from "@stackyard/core";
import { type CallOptions, createEventId, type HttpClient, loadPage, type Page } from "./http-client.ts";
import type { UpgradePlan } from "./upgrade.ts";

/** What became of an event. */
export type Outcome = "applied" | "removed" | "parked" | "refused" | "dead-lettered" | "ignored";

/** One line of the yard's history. Instants are ISO 8601 in UTC. */
export interface HistoryEntry {
  /** Grows over the yard; gaps are possible. */
  readonly position: number;
  readonly stackId: string;
  readonly at: string;
  readonly eventId: string;
  /** A worker, a timer or a deadline brought it: it is not a sender's event with the same id. */
  readonly internal?: true;
  readonly event: string;
  readonly outcome: Outcome;
  readonly life?: string;
  readonly actor?: string;
  /** Why the event was not applied; of an applied `TASK_ERROR`: the code of the task's failure. */
  readonly code?: string;
  readonly reason?: string;
  /** The states before and after. */
  readonly from?: string;
  readonly to?: string;
  readonly task?: string;
  readonly description?: string;
  /** What the event brought; sensitive values as `***`. */
  readonly metadata?: unknown;
  /** What a task gave, in stacks of version 2. */
  readonly outputs?: unknown;
  /** Of a failed task: another attempt may help. */
  readonly retryable?: boolean;
  readonly dispatchId?: string;
  /** The timer that has brought the event. */
  readonly timer?: string;
  /** The sender confirmed the stack's id. */
  readonly confirmed?: true;
  /** Tasks that were sent. */
  readonly sent: readonly string[];
  readonly notes: readonly string[];
  readonly machineHash?: string;
}

/** An event that was given up. `redrive` takes its `id`. */
export interface DeadLetter {
  readonly id: string;
  readonly eventId: string;
  readonly stackId: string;
  readonly event?: string;
  readonly actor?: string;
  readonly code: string;
  readonly reason: string;
  readonly receivedAt: string;
  readonly deadLetteredAt: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** Which part of a list. */
export interface PageOptions {
  readonly cursor?: string;
  /** 1 to 1,000; default 100. More requests are sent when the items are large. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** Which part of a history. */
export interface HistoryOptions extends PageOptions {
  /** Which comes first. Default `newest`. */
  readonly order?: "newest" | "oldest";
}

/** A value of a stack's metadata. */
export type MetadataValue = string | number | boolean | null;

/** One try at a task. */
export interface Attempt {
  readonly attemptId: string;
  readonly stackId: string;
  readonly task: string;
  readonly entry: number;
  readonly attempt: number;
  readonly executor?: string;
  readonly status: "unclaimed" | "queued" | "running" | "suspended" | "settled";
  readonly dispatchedAt: string;
  readonly deadlineAt: string;
  readonly owner?: string;
  readonly leaseUntil?: string;
  readonly pollDueAt?: string;
  readonly cancelling?: "requested" | "timed-out";
  readonly queuedFor?: { readonly key: string; readonly holder: string; readonly place: number };
  readonly heldKeys: readonly string[];
  readonly progressMessage?: string;
  readonly hasLog: boolean;
  readonly outcome?: "succeeded" | "failed" | "cancelled" | "closed";
}

/** A task of the present state. */
export interface StackTask {
  readonly name: string;
  readonly status: "PENDING" | "SATISFIED" | "ERROR";
  /** In stacks of version 2: WAITING, QUEUED, RUNNING, RETRYING, SKIPPED or CANCELLED. */
  readonly detail?: string;
  readonly errorMessage?: string;
  /** Of a failed task: the code of the failure, where the worker gave one. */
  readonly errorCode?: string;
}

/** The newest task of a stack's present incarnation that failed for good. It stays when the stack moves on. */
export interface LastFailure {
  readonly task: string;
  /** The state whose task it was, and which entry into it. */
  readonly state: string;
  readonly entry: number;
  /** The attempt that failed; 0 where the task was never sent. */
  readonly attempt: number;
  readonly at: string;
  readonly code?: string;
  /** Beginning and end, at most 2,000 characters; history and the attempt's log have more. */
  readonly message?: string;
  /** When a task of this name succeeded since, or was settled by hand. */
  readonly resolvedAt?: string;
}

/** What a stack can become without an event from outside: by its tasks, timers and parked events. */
export interface Reachable {
  readonly states: readonly string[];
  /** The stack can reach its end and be removed. */
  readonly removal: boolean;
}

/** A stack as a list shows it. Instants are ISO 8601 in UTC. */
export interface StackSummary {
  readonly id: string;
  readonly machine: string;
  readonly machineHash: string;
  readonly state: string;
  readonly previousState: string | null;
  readonly tasks: readonly StackTask[];
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly enteredAt: string;
  readonly life: string;
  readonly entry: number;
  readonly version: number;
  readonly stalled?: { readonly code: string; readonly reason: string };
  readonly failed?: boolean;
  /** The state's time-out has passed, and nothing handled it. */
  readonly overdue?: boolean;
  readonly lastFailure?: LastFailure;
  /** Only when the list was requested with it. */
  readonly waiting?: { readonly summary: string; readonly waitsFor?: Wait };
}

/** What is waited for, as programs read it. Which of the other fields are there depends on the kind. */
interface Wait {
  readonly kind:
    | "lease"
    | "worker"
    | "key"
    | "poll"
    | "cancel"
    | "result"
    | "timer"
    | "need"
    | "leaving"
    | "parked"
    | "event"
    | "operator";
  readonly attemptId?: string;
  readonly stackId?: string;
  readonly task?: string;
  readonly tasks?: readonly string[];
  readonly key?: string;
  readonly place?: number;
  readonly worker?: string;
  readonly executor?: string;
  readonly event?: string;
  readonly events?: readonly string[];
  readonly eventId?: string;
  readonly at?: string;
  readonly code?: string;
}

/** An event that the stack refuses for the present. */
export interface ParkedEvent {
  readonly eventId: string;
  readonly stackId: string;
  readonly event: string;
  /** The machine that the event names. */
  readonly machine?: string;
  readonly actor?: string;
  readonly code: string;
  readonly reason: string;
  readonly receivedAt: string;
  readonly parkedAt: string;
  readonly tries: number;
  readonly nextTryAt: string;
}

/** A parked event in the list of the yard's. */
export interface ListedParkedEvent extends ParkedEvent {
  /** False: the stack does not exist (yet). */
  readonly stackExists: boolean;
}

/** A stack with everything that explains its present state. */
export interface StackDetails extends Omit<StackSummary, "tasks" | "waiting" | "lastFailure"> {
  /** One sentence. */
  readonly summary: string;
  readonly waitsFor?: Wait;
  /** `missed`: what the stack could have become by itself had the task succeeded. */
  readonly lastFailure?: LastFailure & { readonly missed?: Reachable };
  /** Absent where the stack's machine is not known. */
  readonly reachable?: Reachable;
  readonly tasks: readonly (StackTask & {
    readonly why: string;
    readonly waitsFor?: Wait;
    readonly attempt?: Attempt;
  })[];
  readonly attempts: readonly Attempt[];
  readonly parked: readonly ParkedEvent[];
  readonly timers: readonly {
    readonly id: string;
    readonly event: string;
    readonly dueAt: string;
    /** Of a task's next try. */
    readonly task?: string;
  }[];
}

/** Which stacks to list. */
export interface StackFilter {
  readonly machine?: string;
  readonly state?: string;
  readonly idPrefix?: string;
  /** `failed`: a task is in ERROR. `busy`: a task is PENDING. `waiting`: one of these, or an event is parked. `any`: all. */
  readonly condition?: "failed" | "stalled" | "overdue" | "busy" | "waiting" | "any";
  /** With what each stack waits for; without a condition only those that are not quiet. */
  readonly waiting?: boolean;
}

/** What an operator's request has led to. A refusal is thrown as `StackyardApiError` with its code. */
export interface OperationResult {
  readonly eventId: string;
  readonly stackId: string;
  /** `waiting`: not decided yet; use `waitForOutcome`. */
  readonly outcome: Outcome | "waiting";
  readonly notes: readonly string[];
}

/** What every operation may be given. */
interface OperationOptions extends CallOptions {
  /** Stands in the history. */
  readonly reason?: string;
  /** The event's id: the same one is applied once. Default: a new one. */
  readonly id?: string;
}

/** Which tasks to retry: the failed ones with a new attempt (default), or the pending ones under the same attempt. */
interface RetryOptions extends OperationOptions {
  readonly which?: "failed" | "pending";
  readonly task?: string;
}

/** Where to: a kept revision or the newest, by its content hash or 4 or more of its first digits; default the newest valid one. */
interface UpgradeOptions extends OperationOptions {
  readonly to?: string;
}

/** Stacks of the yard. */
export interface StacksApi {
  list(filter?: StackFilter, page?: PageOptions): Promise<Page<StackSummary>>;
  /** Throws `STACK_UNKNOWN`. */
  get(stackId: string, options?: CallOptions): Promise<StackDetails>;
  history(stackId: string, options?: HistoryOptions): Promise<Page<HistoryEntry>>;
  attempts(stackId: string, options?: CallOptions): Promise<readonly Attempt[]>;
  /** The end of an attempt's log, at most 64 KiB. */
  attemptLog(attemptId: string, options?: CallOptions): Promise<string>;
  retry(stackId: string, options?: RetryOptions): Promise<OperationResult>;
  cancel(stackId: string, task: string, options?: OperationOptions): Promise<OperationResult>;
  /** Declares a task done by hand. */
  settle(
    stackId: string,
    task: string,
    options: OperationOptions & { readonly reason: string },
  ): Promise<OperationResult>;
  /** Removes the record by force; what the stack has made stays. */
  remove(stackId: string, options: OperationOptions & { readonly reason: string }): Promise<OperationResult>;
  /** Moves the stack to another revision of its machine. `UPGRADE_STATE_MISSING`, `UPGRADE_TASK_UNKNOWN` and others. */
  upgrade(stackId: string, options?: UpgradeOptions): Promise<OperationResult>;
  /** What that would do: the stack's history is replayed on the revision. Changes nothing. */
  planUpgrade(stackId: string, options?: Pick<UpgradeOptions, "to" | "signal">): Promise<UpgradePlan>;
}

/** The part of the client that is about stacks. */
export function createStacksApi(http: HttpClient): StacksApi {
  const operate = (
    stackId: string,
    name: string,
    body: object,
    { reason, id = createEventId(), signal }: OperationOptions,
  ) =>
    http.requestJson<OperationResult>({
      method: "POST",
      path: ["v1", "stacks", stackId, name],
      body: { ...body, id, ...defined({ reason }) },
      ...defined({ signal }),
    });
  return {
    list: ({ waiting, ...filter } = {}, { signal, ...page } = {}) => {
      const query = { ...filter, ...page, ...(waiting && { waiting: "true" }) };
      return loadPage(http, { path: ["v1", "stacks"], query, ...defined({ signal }) });
    },
    get: (stackId, options) => http.requestJson({ path: ["v1", "stacks", stackId], ...options }),
    history: (stackId, { signal, ...query } = {}) =>
      loadPage(http, { path: ["v1", "stacks", stackId, "history"], query: { ...query }, ...defined({ signal }) }),
    async attempts(stackId, options) {
      const path = ["v1", "stacks", stackId, "attempts"];
      return (await http.requestJson<Page<Attempt>>({ path, ...options })).items;
    },
    attemptLog: (attemptId, options) => http.requestText({ path: ["v1", "attempts", attemptId, "log"], ...options }),
    retry: (stackId, { which, task, ...options } = {}) =>
      operate(stackId, "retry", { ...(which && { which }), ...(task && { task }) }, options),
    cancel: (stackId, task, options = {}) => operate(stackId, "cancel", { task }, options),
    settle: (stackId, task, options) => operate(stackId, "settle", { task, as: "succeeded" }, options),
    remove: (stackId, options) => operate(stackId, "remove", { force: true }, options),
    upgrade: (stackId, { to, ...options } = {}) => operate(stackId, "upgrade", { ...(to && { to }) }, options),
    planUpgrade: (stackId, { to, ...options } = {}) => {
      const body = { dryRun: true, ...(to && { to }) };
      return http.requestJson({ method: "POST", path: ["v1", "stacks", stackId, "upgrade"], body, ...options });
    },
  };
}
