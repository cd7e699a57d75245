import { defined } from "@stackyard/core";
import type {
  Attempt,
  HistoryEntry,
  MainCondition,
  MetadataValue,
  OpenAttempt,
  OperationAnswer,
  Preview,
  Seen,
  StackAt,
  StackBundle,
  StackCommits,
  StackCondition,
  StackCounts,
  StackDetails,
  StackSnapshot,
  StackSort,
  StackSummary,
  UpgradePlan,
} from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { type AttemptLog, type LogOptions, type LogTimes, loadLog, loadLogTimes } from "./attempt-log.ts";
import { loadBundlePage } from "./bundle-page.ts";
import { call, callPage } from "./call.ts";
import {
  type CallOptions,
  createEventId,
  type HistoryOptions,
  type HttpClient,
  type Page,
  type PageOptions,
} from "./http-client.ts";
import type { NewEvent } from "./publisher.ts";

/** Which stacks to list. */
export interface StackFilter {
  readonly machine?: string;
  readonly state?: string;
  readonly idPrefix?: string;
  /** Ids with this text somewhere; case matters. */
  readonly text?: string;
  /** The hash of the revision that the stack was last decided on. */
  readonly revision?: string;
  /** Values that the metadata must have, at most 5; sensitive keys are refused (`USAGE`). */
  readonly metadata?: Readonly<Record<string, MetadataValue>>;
  /** A task of this name has failed; with `code`, with that code. */
  readonly task?: string;
  /** A task has failed with this code; the empty text: without one. */
  readonly code?: string;
  /** These and no others, at most 1,000, and 30,000 characters as JSON. */
  readonly ids?: readonly string[];
  /** `failed`: a task is in ERROR. `busy`: a task is PENDING. `waiting`: one of these, or an event is parked. `any`: all. */
  readonly condition?: StackCondition | "any";
  /** The first condition that is true of the stack. Each stack has one. */
  readonly mainCondition?: MainCondition;
  /** The stack needs attention, or it does not. */
  readonly needsPerson?: boolean;
  /** The stack does not move to the newest revision of its machine yet, or nothing holds it back. */
  readonly behind?: boolean;
  /** True: jobs only. False: no jobs. */
  readonly jobs?: boolean;
  /** True to include what each stack waits for; without a condition only stacks that are not quiet. */
  readonly waiting?: boolean;
}

/** Which part of a list of stacks, and its order. */
export interface ListStacksOptions extends PageOptions {
  /** Default `id`; with `-` the last one comes first. At most 100,000 stacks are sorted by a time (`FILTER_TOO_WIDE`). */
  readonly sort?: StackSort;
}

/** The options of counting stacks. Default: the total alone. */
export interface CountStacksOptions extends CallOptions {
  readonly by?: "machine" | "state" | "condition" | "mainCondition" | "revision";
}

/** Which attempts of the yard to list. Machine and id are those of their stacks. */
export interface OpenAttemptFilter {
  readonly status?: "unclaimed" | "queued" | "running" | "suspended";
  readonly executor?: string;
  readonly machine?: string;
  readonly idPrefix?: string;
}

/** Attempts of the yard. */
export interface AttemptsApi {
  /** Returns attempts that have not ended, oldest first. */
  list(filter?: OpenAttemptFilter, page?: PageOptions): Promise<Page<OpenAttempt>>;
  /** Returns one attempt, also after its end. Throws `NOT_FOUND`. */
  get(attemptId: string, options?: CallOptions): Promise<Attempt>;
}

/** Creates the part of the client for the attempts of all stacks. */
export function createAttemptsApi(http: HttpClient): AttemptsApi {
  return {
    list: (filter = {}, page) =>
      callPage<typeof op.listOpenAttempts>(http, "GET /v1/attempts", { query: { ...filter } }, page),
    get: (attemptId, options) =>
      call<typeof op.getAttempt>(http, "GET /v1/attempts/:attemptId", { params: { attemptId } }, options),
  };
}

/** The options of every operation. */
interface OperationOptions extends CallOptions {
  /** Recorded in the history. */
  readonly reason?: string;
  /** The event's id: the same one is applied once. Default: a new one. */
  readonly id?: string;
}

/** An operation on what the caller has seen. */
interface SeenOptions extends OperationOptions {
  /** What it is about: refused with `STACK_CHANGED` when something else has its place. Default: whatever is there. */
  readonly seen?: Seen;
}

/** Which tasks to retry: the failed ones with a new attempt (default), or the pending ones under the same attempt. */
interface RetryOptions extends SeenOptions {
  readonly which?: "failed" | "pending";
  readonly task?: string;
}

/** The target: a stored revision or the newest, by 4 or more digits of its hash; default the newest valid one. */
interface UpgradeOptions extends OperationOptions {
  readonly to?: string;
  /** The `digest` of a plan: exactly that is done, or the upgrade is refused (`PLAN_STALE`). */
  readonly plan?: string;
}

/** Stacks of the yard. */
export interface StacksApi {
  list(filter?: StackFilter, page?: ListStacksOptions): Promise<Page<StackSummary>>;
  /** Returns how many stacks match the filter, and at most 200 groups of them. */
  counts(filter?: Omit<StackFilter, "waiting">, options?: CountStacksOptions): Promise<StackCounts>;
  /** Throws `STACK_UNKNOWN`. */
  get(stackId: string, options?: CallOptions): Promise<StackDetails>;
  /** Simulates an event on the stack in its present state. Changes nothing. Throws `EVENT_INVALID`, `STACK_UNKNOWN`. */
  preview(stackId: string, event: Omit<NewEvent, "stackId">, options?: CallOptions): Promise<Preview>;
  history(stackId: string, options?: HistoryOptions): Promise<Page<HistoryEntry>>;
  attempts(stackId: string, options?: CallOptions): Promise<readonly Attempt[]>;
  /** Returns the end of an attempt's log, at most 64 KiB. */
  attemptLog(attemptId: string, options?: CallOptions): Promise<string>;
  /** Returns the log of an attempt, up to 16 MiB, also while it runs: all of it, or the part in the options. */
  log(attemptId: string, options?: LogOptions): Promise<AttemptLog>;
  /** Returns when the lines of a part of a log were logged; at most 1 MiB at once. */
  logTimes(attemptId: string, options?: Pick<LogOptions, "from" | "to" | "signal">): Promise<LogTimes>;
  /** Returns the stack as the first step of a simulation; sensitive values are `***`. Throws `STACK_UNKNOWN`. */
  snapshot(stackId: string, options?: CallOptions): Promise<StackSnapshot>;
  /** Returns the stack after the last line of its history up to a position, by replay. Throws `NOT_FOUND`. */
  at(stackId: string, position: number, options?: CallOptions): Promise<StackAt>;
  /**
   * Returns the commits since the last success of the stack, or why they are not known. `task`: its last approval counts
   * where no success is known.
   */
  commits(stackId: string, options: CallOptions & { readonly task: string }): Promise<StackCommits>;
  /** Returns everything about a stack, to attach to an incident; up to 32 MiB. Sensitive values are masked. */
  bundle(stackId: string, options?: CallOptions): Promise<StackBundle>;
  /** Returns the same as one HTML file that shows it, also without a yard. Throws `NOT_FOUND` without a console. */
  bundlePage(stackId: string, options?: CallOptions): Promise<string>;
  /** Returns a sensitive value. Needs `secrets:read`, and is recorded in the audit log with the reason. */
  reveal(stackId: string, key: string, options: CallOptions & { readonly reason: string }): Promise<MetadataValue>;
  retry(stackId: string, options?: RetryOptions): Promise<OperationAnswer>;
  cancel(stackId: string, task: string, options?: SeenOptions): Promise<OperationAnswer>;
  /** Marks the last failure of a stack as acknowledged: it stays degraded, and no longer needs attention. */
  acknowledge(stackId: string, options?: SeenOptions): Promise<OperationAnswer>;
  /** Marks a task as done. */
  settle(
    stackId: string,
    task: string,
    options: SeenOptions & {
      readonly reason: string;
      /** The task is an approval. Needs the permission `approvals:settle` too. */
      readonly approval?: boolean | undefined;
    },
  ): Promise<OperationAnswer>;
  /** Removes the record by force; the stack's resources remain. */
  remove(stackId: string, options: SeenOptions & { readonly reason: string }): Promise<OperationAnswer>;
  /** Moves the stack to another revision of its machine. `UPGRADE_STATE_MISSING`, `UPGRADE_NEED_MISSING` and others. */
  upgrade(stackId: string, options?: UpgradeOptions): Promise<OperationAnswer>;
  /** Plans the upgrade: replays the stack's history on the revision. Changes nothing. */
  planUpgrade(stackId: string, options?: Pick<UpgradeOptions, "to" | "signal">): Promise<UpgradePlan>;
}

function toQuery({ metadata, ids, needsPerson, behind, jobs, ...filter }: Omit<StackFilter, "waiting">) {
  return {
    ...filter,
    ...(needsPerson !== undefined && { needsPerson: String(needsPerson) }),
    ...(behind !== undefined && { behind: String(behind) }),
    ...(jobs !== undefined && { jobs: String(jobs) }),
    ...(metadata && { metadata: JSON.stringify(metadata) }),
    ...(ids && { ids: JSON.stringify(ids) }),
  };
}

/** Creates the part of the client for stacks. */
export function createStacksApi(http: HttpClient): StacksApi {
  /** Returns the parts of a request of an operation. Without an id, each call is an event of its own. */
  const given = <Body extends object>(
    stackId: string,
    body: Body,
    { reason, seen, id = createEventId() }: SeenOptions,
  ) => ({
    params: { stackId },
    body: { ...body, id, ...defined({ reason, seen }) },
  });
  return {
    list: ({ waiting, ...filter } = {}, page = {}) => {
      const query = { ...toQuery(filter), ...(waiting && { waiting: "true" }) };
      return callPage<typeof op.listStacks>(http, "GET /v1/stacks", { query }, page);
    },
    counts: (filter = {}, { signal, by } = {}) => {
      const query = { ...toQuery(filter), ...defined({ by }) };
      return call<typeof op.countStacks>(http, "GET /v1/stack-counts", { query }, { signal });
    },
    get: (stackId, options) =>
      call<typeof op.getStack>(http, "GET /v1/stacks/:stackId", { params: { stackId } }, options),
    preview: (stackId, body, options) =>
      call<typeof op.previewEvent>(http, "POST /v1/stacks/:stackId/simulate", { params: { stackId }, body }, options),
    history: (stackId, page) =>
      callPage<typeof op.listStackHistory>(http, "GET /v1/stacks/:stackId/history", { params: { stackId } }, page),
    async attempts(stackId, options) {
      const request = { params: { stackId } };
      return (await call<typeof op.listAttempts>(http, "GET /v1/stacks/:stackId/attempts", request, options)).items;
    },
    attemptLog: (attemptId, options) => http.requestText({ path: ["v1", "attempts", attemptId, "log"], ...options }),
    log: (attemptId, options) => loadLog(http, attemptId, options),
    logTimes: (attemptId, options) => loadLogTimes(http, attemptId, options),
    snapshot: (stackId, options) =>
      call<typeof op.getStackSnapshot>(http, "GET /v1/stacks/:stackId/snapshot", { params: { stackId } }, options),
    at(stackId, position, options) {
      const params = { stackId, position: String(position) };
      return call<typeof op.getStackAt>(http, "GET /v1/stacks/:stackId/at/:position", { params }, options);
    },
    commits(stackId, { task, ...options }) {
      const request = { params: { stackId }, query: { task } };
      return call<typeof op.listStackCommits>(http, "GET /v1/stacks/:stackId/commits", request, options);
    },
    async bundle(stackId, { signal } = {}) {
      const request = { path: ["v1", "stacks", stackId, "bundle"], signal };
      const response = await http.openStream(request, {});
      return (await response.json()) as StackBundle;
    },
    bundlePage: (stackId, options) => loadBundlePage(http, stackId, options),
    async reveal(stackId, key, { reason, signal }) {
      const wire = "POST /v1/stacks/:stackId/secrets/:key/reveal";
      const request = { params: { stackId, key }, body: { reason } };
      return (await call<typeof op.revealSecret>(http, wire, request, { repeatable: false, signal })).value;
    },
    retry(stackId, { which, task, signal, ...options } = {}) {
      const request = given(stackId, { ...(which && { which }), ...(task && { task }) }, options);
      return call<typeof op.retryStack>(http, "POST /v1/stacks/:stackId/retry", request, { signal });
    },
    cancel(stackId, task, { signal, ...options } = {}) {
      return call<typeof op.cancelStack>(http, "POST /v1/stacks/:stackId/cancel", given(stackId, { task }, options), {
        signal,
      });
    },
    acknowledge(stackId, { signal, ...options } = {}) {
      const request = given(stackId, {}, options);
      return call<typeof op.acknowledgeStack>(http, "POST /v1/stacks/:stackId/acknowledge", request, { signal });
    },
    settle(stackId, task, { approval, signal, reason, ...options }) {
      const body = { task, as: "succeeded", reason, ...(approval && { approval }) } as const;
      const request = given(stackId, body, options);
      return call<typeof op.settleStack>(http, "POST /v1/stacks/:stackId/settle", request, { signal });
    },
    remove(stackId, { signal, reason, ...options }) {
      const request = given(stackId, { force: true, reason } as const, options);
      return call<typeof op.removeStack>(http, "POST /v1/stacks/:stackId/remove", request, { signal });
    },
    upgrade(stackId, { to, plan, signal, ...options } = {}) {
      const request = given(stackId, { ...(to && { to }), ...defined({ plan }) }, options);
      return call<typeof op.upgradeStack, 202>(http, "POST /v1/stacks/:stackId/upgrade", request, { signal });
    },
    planUpgrade(stackId, { to, ...options } = {}) {
      const request = { params: { stackId }, query: { to } };
      return call<typeof op.planUpgrade>(http, "GET /v1/stacks/:stackId/upgrade-plan", request, options);
    },
  };
}
