import { defined, listPages, StackyardError } from "@stackyard/core";
import type { Run, RunState } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { loadBundlePage } from "../bundle-page.ts";
import { call, callPage } from "../call.ts";
import type { Page } from "../http-client.ts";
import {
  type CallOptions,
  createEventId,
  createHttpClient,
  type HttpClient,
  type StackyardOptions,
  sleep,
} from "../http-client.ts";
import type { ListStacksOptions } from "../stacks-api.ts";

/** Creates the runs API alone, as in `new Stackyard(…).runs`: for commands and programs that need only runs. */
export function createRunsClient(options: StackyardOptions): RunsApi {
  return createRunsApi(createHttpClient(options));
}

/** The reason of a change, optional. */
export interface RunOperationOptions extends CallOptions {
  /** Recorded in the history. */
  readonly reason?: string;
}

/** The options of reading a report. */
export interface ReportOptions extends CallOptions {
  /** Pages of one request, at most 50. Default: 10. Of a page at the beginning alone: 1. */
  readonly limit?: number;
}

/** Runs without a machine. */
export interface RunsApi {
  /**
   * Starts a run. Safe to retry: generates a missing key. Throws `EXECUTOR_UNKNOWN`, `CONFIG_INVALID`,
   * `PAYLOAD_TOO_LARGE`, and `OUTCOME_NEGATIVE` when the key belongs to another executor's run.
   */
  start(run: NewRun, options?: CallOptions): Promise<Run>;
  /** Throws `NOT_FOUND`. */
  get(runId: string, options?: CallOptions): Promise<Run>;
  /**
   * Returns runs, sorted as stacks: `createdAt` is the start of a run, `enteredAt` its end. With a filter a page may be
   * empty and still have a next one.
   */
  list(filter?: RunFilter, page?: ListStacksOptions): Promise<Page<Run>>;
  /** Cancels a run. Does nothing when it has ended. */
  cancel(runId: string, options?: RunOperationOptions): Promise<Run>;
  /** Throws `OUTCOME_NEGATIVE` for one that has not failed. */
  retry(runId: string, options?: RunOperationOptions): Promise<Run>;
  /** Yields the pages that the run's executor has written, in order. The executor defines their content. */
  report<ReportPage = unknown>(runId: string, options?: ReportOptions): AsyncGenerator<ReportPage, void>;
  /**
   * Returns one HTML file that shows the run with its report, also without a yard; up to 32 MiB. Throws `NOT_FOUND` where
   * the server has no console.
   */
  page(runId: string, options?: CallOptions): Promise<string>;
  /** Returns the log of the newest attempt, at most the last 64 KiB; empty until the attempt has ended. */
  log(runId: string, options?: CallOptions): Promise<string>;
  /** Resolves when the run has ended, however it did. Throws `TIMED_OUT`, `INTERRUPTED`. */
  wait(runId: string, options?: WaitForRunOptions): Promise<Run>;
}

/** Creates the part of the client for runs. */
export function createRunsApi(http: HttpClient): RunsApi {
  const get: RunsApi["get"] = (runId, options) =>
    call<typeof op.getRun>(http, "GET /v1/runs/:runId", { params: { runId } }, options);
  return {
    start: ({ key = createEventId(), ...run }, options) =>
      call<typeof op.startRun>(http, "POST /v1/runs", { body: { ...run, key } }, options),
    get,
    list: ({ state, executor } = {}, page = {}) =>
      callPage<typeof op.listRuns>(http, "GET /v1/runs", { query: { state, executor } }, page),
    cancel(runId, { reason, ...options } = {}) {
      const given = { params: { runId }, body: defined({ reason }) };
      return call<typeof op.cancelRun>(http, "POST /v1/runs/:runId/cancel", given, options);
    },
    retry(runId, { reason, ...options } = {}) {
      const given = { params: { runId }, body: defined({ reason }) };
      return call<typeof op.retryRun>(http, "POST /v1/runs/:runId/retry", given, options);
    },
    report: (runId, options) => loadReport(http, runId, options),
    page: (runId, options) => loadBundlePage(http, runId, options),
    log: (runId, options) => loadLog(http, runId, options),
    wait: (runId, options) => waitForRun((looked) => get(runId, looked), runId, options),
  };
}

async function* loadReport<ReportPage>(
  http: HttpClient,
  runId: string,
  { signal, limit }: ReportOptions = {},
): AsyncGenerator<ReportPage, void> {
  const pages = listPages(({ cursor }) => {
    const given = { params: { runId }, query: { cursor, limit } };
    return call<typeof op.getRunReport>(http, "GET /v1/runs/:runId/report", given, { signal });
  });
  for await (const { items } of pages) yield* items as readonly ReportPage[];
}

async function loadLog(http: HttpClient, runId: string, options: CallOptions = {}): Promise<string> {
  const given = { params: { stackId: runId } };
  const attempts = await call<typeof op.listAttempts>(http, "GET /v1/stacks/:stackId/attempts", given, options);
  const [newest] = attempts.items;
  if (newest === undefined) return "";
  return http.requestText({ path: ["v1", "attempts", newest.attemptId, "log"], ...options });
}

/** A run to start. */
export interface NewRun {
  readonly executor: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The caller's own: a repeat finds the same run, whatever its other fields. Default: a new one. */
  readonly key?: string;
  /** The account and region to work in. Default: the runner's own. */
  readonly target?: {
    readonly account: string;
    readonly region: string;
    readonly partition?: string;
    /** The role to assume there. */
    readonly role?: string;
    readonly externalId?: string;
  };
  /** Default: the executor's own, else one hour. */
  readonly timeoutMs?: number;
}

/** Which runs are listed. */
export interface RunFilter {
  readonly state?: RunState;
  readonly executor?: string;
}

/** The options of a wait for a run. */
export interface WaitForRunOptions extends CallOptions {
  /** Then `TIMED_OUT`. Default: no limit. */
  readonly timeoutMs?: number;
  /** Between two polls, which also report progress. Default 2 s. */
  readonly pollMs?: number;
  /** Called with the run after each poll, and awaited. */
  readonly onLook?: (run: Run) => void | Promise<void>;
  /** The `endedAt` of an earlier end to ignore, after the run was retried. */
  readonly after?: string;
}

const POLL_MS = 2_000;

/** Looks until the run has ended. */
export async function waitForRun(look: Look<Run>, runId: string, options: WaitForRunOptions = {}): Promise<Run> {
  const { timeoutMs, pollMs = POLL_MS, onLook, after, signal } = options;
  const limits = [...(signal ? [signal] : []), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])];
  const end = AbortSignal.any(limits);
  while (!end.aborted) {
    const run = await lookUnless(end, look);
    if (run !== undefined) await onLook?.(run);
    if (run?.endedAt !== undefined && run.endedAt !== after) return run;
    await sleep(pollMs, end);
  }
  if (signal?.aborted) throw new StackyardError("INTERRUPTED", `The wait for the run "${runId}" was stopped.`);
  throw new StackyardError("TIMED_OUT", `The run "${runId}" did not end within ${timeoutMs} ms.`);
}

type Look<Found> = (call: CallOptions) => Promise<Found>;

/** Looks once. Returns undefined when the signal is aborted first. */
export async function lookUnless<Found>(end: AbortSignal, look: Look<Found>): Promise<Found | undefined> {
  try {
    return await look({ signal: end });
  } catch (error) {
    if (end.aborted) return undefined;
    throw error;
  }
}
