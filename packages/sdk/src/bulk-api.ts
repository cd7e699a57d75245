import { defined } from "@stackyard/core";
import type { Bulk, BulkItem, BulkOperation, BulkOutcome, BulkPlan } from "@stackyard/core/api";
import type { PageOptions } from "./http-client.ts";
import { type CallOptions, type HttpClient, loadPage, NEVER, type Page, postJson, sleep } from "./http-client.ts";

/** The operation, and the stacks, the dead letters for `redrive` and `dismiss`, or the parked events for `withdraw`. */
export interface BulkRequest {
  readonly operation: BulkOperation;
  /** `ids` alone; else `stackId`, `event` and `code` for dead letters and parked events, and the filter of `stacks.list` for the others. */
  readonly filter: Readonly<Record<string, unknown>>;
  /** The body of the operation on one stack: `event` and `metadata` of `send`, `task` of `cancel`, and so on. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly reason?: string;
}

/** What goes with a new bulk. */
export interface StartBulkOptions extends CallOptions {
  /** The `total` of a plan. Required for `settle`, `remove`, `dismiss` and `withdraw`. */
  readonly expect?: number;
}

/** How to wait for the end of a bulk. */
export interface WaitForBulkOptions extends CallOptions {
  /** Called with each new state. */
  readonly onProgress?: (bulk: Bulk) => void;
  /** Default 500. */
  readonly pollMs?: number;
}

/** Which items. */
export interface BulkItemsOptions extends PageOptions {
  readonly outcome?: BulkOutcome;
}

/** The same operation on many stacks or dead letters. */
export interface BulkApi {
  /** Returns what it would do now. Changes nothing. */
  plan(request: BulkRequest, options?: CallOptions): Promise<BulkPlan>;
  /** Starts on the server. Throws `BULK_CHANGED`, `FILTER_TOO_WIDE`, `FORBIDDEN`. Not retried after a failure. */
  start(request: BulkRequest, options?: StartBulkOptions): Promise<Bulk>;
  /** Returns those of the last 7 days, newest first. */
  list(options?: PageOptions): Promise<Page<Bulk>>;
  /** Throws `NOT_FOUND`. */
  get(bulkId: string, options?: CallOptions): Promise<Bulk>;
  items(bulkId: string, options?: BulkItemsOptions): Promise<Page<BulkItem>>;
  /** Ends it after the items that are sent. */
  cancel(bulkId: string, options?: CallOptions & { readonly reason?: string }): Promise<Bulk>;
  /** Resolves when it is done or cancelled. Throws `INTERRUPTED` when the signal is aborted; the bulk continues. */
  wait(bulkId: string, options?: WaitForBulkOptions): Promise<Bulk>;
}

const DEFAULT_POLL_MS = 500;

/** Creates the part of the client for bulk operations. */
export function createBulkApi(http: HttpClient): BulkApi {
  const post = <Answer>(body: object, signal: AbortSignal | undefined, repeatable: boolean) =>
    postJson<Answer>(http, ["v1", "bulk"], body, { repeatable, signal });
  const get: BulkApi["get"] = (bulkId, options) => http.requestJson({ path: ["v1", "bulk", bulkId], ...options });
  return {
    plan: (request, { signal } = {}) => post({ ...request, dryRun: true }, signal, true),
    start: (request, { signal, expect } = {}) => post({ ...request, ...defined({ expect }) }, signal, false),
    list: (page) => loadPage(http, ["v1", "bulk"], page),
    get,
    items: (bulkId, page) => loadPage(http, ["v1", "bulk", bulkId, "items"], page),
    cancel: (bulkId, { reason, signal } = {}) =>
      postJson(http, ["v1", "bulk", bulkId, "cancel"], defined({ reason }), { signal }),
    async wait(bulkId, { onProgress, pollMs = DEFAULT_POLL_MS, signal } = {}) {
      let seen = "";
      for (;;) {
        const bulk = await get(bulkId, { signal });
        const text = `${bulk.status} ${bulk.done}`;
        if (text !== seen) onProgress?.(bulk);
        seen = text;
        if (bulk.status === "done" || bulk.status === "cancelled") return bulk;
        await sleep(pollMs, signal ?? NEVER);
      }
    },
  };
}
