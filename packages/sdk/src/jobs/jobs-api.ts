import { defined, listPages, StackyardError } from "@stackyard/core";
import type { Job, JobState } from "@stackyard/core/api";
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

/** Creates the jobs API alone, as in `new Stackyard(…).jobs`: for commands and programs that need only jobs. */
export function createJobsClient(options: StackyardOptions): JobsApi {
  return createJobsApi(createHttpClient(options));
}

/** The reason of a change, optional. */
export interface JobOperationOptions extends CallOptions {
  /** Recorded in the history. */
  readonly reason?: string;
}

/** The options of reading a report. */
export interface ReportOptions extends CallOptions {
  /** Pages of one request, at most 50. Default: 10. Of a page at the beginning alone: 1. */
  readonly limit?: number;
}

/** Jobs without a machine. */
export interface JobsApi {
  /**
   * Starts a job. Safe to retry: generates a missing key. Throws `EXECUTOR_UNKNOWN`, `CONFIG_INVALID`,
   * `PAYLOAD_TOO_LARGE`, and `OUTCOME_NEGATIVE` when the key belongs to another executor's job.
   */
  start(job: NewJob, options?: CallOptions): Promise<Job>;
  /** Throws `NOT_FOUND`. */
  get(jobId: string, options?: CallOptions): Promise<Job>;
  /**
   * Returns jobs, sorted as stacks: `createdAt` is the start of a job, `enteredAt` its end. With a filter a page may be
   * empty and still have a next one.
   */
  list(filter?: JobFilter, page?: ListStacksOptions): Promise<Page<Job>>;
  /** Cancels a job. Does nothing when it has ended. */
  cancel(jobId: string, options?: JobOperationOptions): Promise<Job>;
  /** Throws `OUTCOME_NEGATIVE` for one that has not failed. */
  retry(jobId: string, options?: JobOperationOptions): Promise<Job>;
  /** Yields the pages that the job's executor has written, in order. The executor defines their content. */
  report<ReportPage = unknown>(jobId: string, options?: ReportOptions): AsyncGenerator<ReportPage, void>;
  /**
   * Returns one HTML file that shows the job with its report, also without a yard; up to 32 MiB. Throws `NOT_FOUND` where
   * the server has no console.
   */
  page(jobId: string, options?: CallOptions): Promise<string>;
  /** Returns the log of the newest attempt, at most the last 64 KiB; empty until the attempt has ended. */
  log(jobId: string, options?: CallOptions): Promise<string>;
  /** Resolves when the job has ended, however it did. Throws `TIMED_OUT`, `INTERRUPTED`. */
  wait(jobId: string, options?: WaitForJobOptions): Promise<Job>;
}

/** Creates the part of the client for jobs. */
export function createJobsApi(http: HttpClient): JobsApi {
  const get: JobsApi["get"] = (jobId, options) =>
    call<typeof op.getJob>(http, "GET /v1/jobs/:jobId", { params: { jobId } }, options);
  return {
    start: ({ key = createEventId(), ...job }, options) =>
      call<typeof op.startJob>(http, "POST /v1/jobs", { body: { ...job, key } }, options),
    get,
    list: ({ state, executor } = {}, page = {}) =>
      callPage<typeof op.listJobs>(http, "GET /v1/jobs", { query: { state, executor } }, page),
    cancel(jobId, { reason, ...options } = {}) {
      const given = { params: { jobId }, body: defined({ reason }) };
      return call<typeof op.cancelJob>(http, "POST /v1/jobs/:jobId/cancel", given, options);
    },
    retry(jobId, { reason, ...options } = {}) {
      const given = { params: { jobId }, body: defined({ reason }) };
      return call<typeof op.retryJob>(http, "POST /v1/jobs/:jobId/retry", given, options);
    },
    report: (jobId, options) => loadReport(http, jobId, options),
    page: (jobId, options) => loadBundlePage(http, jobId, options),
    log: (jobId, options) => loadLog(http, jobId, options),
    wait: (jobId, options) => waitForJob((looked) => get(jobId, looked), jobId, options),
  };
}

async function* loadReport<ReportPage>(
  http: HttpClient,
  jobId: string,
  { signal, limit }: ReportOptions = {},
): AsyncGenerator<ReportPage, void> {
  const pages = listPages(({ cursor }) => {
    const given = { params: { jobId }, query: { cursor, limit } };
    return call<typeof op.getJobReport>(http, "GET /v1/jobs/:jobId/report", given, { signal });
  });
  for await (const { items } of pages) yield* items as readonly ReportPage[];
}

async function loadLog(http: HttpClient, jobId: string, options: CallOptions = {}): Promise<string> {
  const given = { params: { stackId: jobId } };
  const attempts = await call<typeof op.listAttempts>(http, "GET /v1/stacks/:stackId/attempts", given, options);
  const [newest] = attempts.items;
  if (newest === undefined) return "";
  return http.requestText({ path: ["v1", "attempts", newest.attemptId, "log"], ...options });
}

/** A job to start. */
export interface NewJob {
  readonly executor: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The caller's own: a repeat finds the same job, whatever its other fields. Default: a new one. */
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

/** Which jobs are listed. */
export interface JobFilter {
  readonly state?: JobState;
  readonly executor?: string;
}

/** The options of a wait for a job. */
export interface WaitForJobOptions extends CallOptions {
  /** Then `TIMED_OUT`. Default: no limit. */
  readonly timeoutMs?: number;
  /** Between two polls, which also report progress. Default 2 s. */
  readonly pollMs?: number;
  /** Called with the job after each poll, and awaited. */
  readonly onLook?: (job: Job) => void | Promise<void>;
  /** The `endedAt` of an earlier end to ignore, after the job was retried. */
  readonly after?: string;
}

const POLL_MS = 2_000;

/** Looks until the job has ended. */
export async function waitForJob(look: Look<Job>, jobId: string, options: WaitForJobOptions = {}): Promise<Job> {
  const { timeoutMs, pollMs = POLL_MS, onLook, after, signal } = options;
  const limits = [...(signal ? [signal] : []), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])];
  const end = AbortSignal.any(limits);
  while (!end.aborted) {
    const job = await lookUnless(end, look);
    if (job !== undefined) await onLook?.(job);
    if (job?.endedAt !== undefined && job.endedAt !== after) return job;
    await sleep(pollMs, end);
  }
  if (signal?.aborted) throw new StackyardError("INTERRUPTED", `The wait for the job "${jobId}" was stopped.`);
  throw new StackyardError("TIMED_OUT", `The job "${jobId}" did not end within ${timeoutMs} ms.`);
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
