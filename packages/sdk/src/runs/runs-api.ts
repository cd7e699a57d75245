import { createEventId } from "../event-id.ts";
import type { Page, PageOptions } from "../history-entry.ts";
import type { CallOptions, HttpClient } from "../http-client.ts";
import { loadPage } from "../load-page.ts";
import type { Attempt } from "../stack.ts";
import type { NewRun, Run, RunFilter } from "./run.ts";
import { type WaitForRunOptions, waitForRun } from "./wait-for-run.ts";

/** Who asks for a change may say why. */
export interface RunOperationOptions extends CallOptions {
  /** Stands in the history. */
  readonly reason?: string;
}

/** How to read a report. */
export interface ReportOptions extends CallOptions {
  /** Pages of one request, at most 50. Default: 10. Of a page at the beginning alone: 1. */
  readonly limit?: number;
}

/** Runs without a machine. */
export interface RunsApi {
  /**
   * Safe to repeat by itself: without a key it makes one. `EXECUTOR_UNKNOWN`, `CONFIG_INVALID`, `PAYLOAD_TOO_LARGE`, and
   * `OUTCOME_NEGATIVE` where the key is that of another executor's run.
   */
  start(run: NewRun, options?: CallOptions): Promise<Run>;
  /** Throws `NOT_FOUND`. */
  get(runId: string, options?: CallOptions): Promise<Run>;
  /** In order of their ids; with a filter a page may be empty and still have a next one. */
  list(filter?: RunFilter, page?: PageOptions): Promise<Page<Run>>;
  /** One that has ended stays as it is. */
  cancel(runId: string, options?: RunOperationOptions): Promise<Run>;
  /** Throws `OUTCOME_NEGATIVE` for one that has not failed. */
  retry(runId: string, options?: RunOperationOptions): Promise<Run>;
  /** The pages that the run's executor has written, in order. What they hold is the executor's promise. */
  report<ReportPage = unknown>(runId: string, options?: ReportOptions): AsyncGenerator<ReportPage, void>;
  /** What its newest attempt has logged, at most 64 KiB of the end; empty until the attempt has ended. */
  log(runId: string, options?: CallOptions): Promise<string>;
  /** Resolves when the run has ended, however it did. Throws `TIMED_OUT`, `INTERRUPTED`. */
  wait(runId: string, options?: WaitForRunOptions): Promise<Run>;
}

/** The part of the client that is about runs. */
export function createRunsApi(http: HttpClient): RunsApi {
  const operate = (runId: string, name: string, { reason, signal }: RunOperationOptions = {}) =>
    http.requestJson<Run>({
      method: "POST",
      path: ["v1", "runs", runId, name],
      body: reason === undefined ? {} : { reason },
      ...(signal && { signal }),
    });
  const get: RunsApi["get"] = (runId, options) => http.requestJson({ path: ["v1", "runs", runId], ...options });
  return {
    start: ({ key = createEventId(), ...run }, options) =>
      http.requestJson({ method: "POST", path: ["v1", "runs"], body: { ...run, key }, ...options }),
    get,
    list: ({ state, executor } = {}, { signal, ...page } = {}) =>
      loadPage(http, { path: ["v1", "runs"], query: { state, executor, ...page }, ...(signal && { signal }) }),
    cancel: (runId, options) => operate(runId, "cancel", options),
    retry: (runId, options) => operate(runId, "retry", options),
    report: (runId, options) => loadReport(http, runId, options),
    log: (runId, options) => loadLog(http, runId, options),
    wait: (runId, options) => waitForRun((call) => get(runId, call), runId, options),
  };
}

async function* loadReport<ReportPage>(
  http: HttpClient,
  runId: string,
  { signal, limit }: ReportOptions = {},
): AsyncGenerator<ReportPage, void> {
  let cursor: string | undefined;
  do {
    const path = ["v1", "runs", runId, "report"];
    const page = await http.requestJson<Page<ReportPage>>({
      path,
      query: { cursor, limit },
      ...(signal && { signal }),
    });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

async function loadLog(http: HttpClient, runId: string, options: CallOptions = {}): Promise<string> {
  const path = ["v1", "stacks", runId, "attempts"];
  const { items } = await http.requestJson<Page<Attempt>>({ path, ...options });
  const [newest] = items;
  if (newest === undefined) return "";
  return http.requestText({ path: ["v1", "attempts", newest.attemptId, "log"], ...options });
}
