import { defined } from "@stackyard/core";
import type { Bulk, BulkItem, BulkOperation, BulkOutcome, BulkPlan } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import type { BodyOf } from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import { type CallOptions, type HttpClient, NEVER, type Page, type PageOptions, sleep } from "./http-client.ts";

/** The operation, and the stacks, the dead letters for `redrive` and `dismiss`, or the parked events for `withdraw`. */
export interface BulkRequest {
  readonly operation: BulkOperation;
  /** `ids` alone; else `stackId`, `event` and `code` for dead letters and parked events, and the filter of `stacks.list` for the others. */
  readonly filter: Readonly<Record<string, unknown>>;
  /** The body of the operation on one stack: `event` and `metadata` of `send`, `task` of `cancel`, and so on. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly reason?: string;
}

/** The options of a new bulk. */
export interface StartBulkOptions extends CallOptions {
  /** The `digest` of a plan. Required for `settle`, `remove`, `dismiss` and `withdraw`. */
  readonly plan?: string;
}

/** The options of a wait for the end of a bulk. */
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
  /** Starts on the server. Throws `PLAN_STALE`, `FILTER_TOO_WIDE`, `FORBIDDEN`. Not retried after a failure. */
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

type StartBody = BodyOf<typeof op.startBulk>;

/** Creates the part of the client for bulk operations. */
export function createBulkApi(http: HttpClient): BulkApi {
  // The server checks the filter, which depends on the operation.
  const toBody = (request: BulkRequest) => request as StartBody;
  const get: BulkApi["get"] = (bulkId, options) =>
    call<typeof op.getBulk>(http, "GET /v1/bulk/:bulkId", { params: { bulkId } }, options);
  return {
    plan(request, options) {
      const body = { ...toBody(request), dryRun: true };
      return call<typeof op.startBulk, 200>(http, "POST /v1/bulk", { body }, options);
    },
    start(request, { plan, ...options } = {}) {
      const body = { ...toBody(request), ...defined({ plan }) };
      return call<typeof op.startBulk, 202>(http, "POST /v1/bulk", { body }, { repeatable: false, ...options });
    },
    list: (page) => callPage<typeof op.listBulks>(http, "GET /v1/bulk", {}, page),
    get,
    items: (bulkId, page) =>
      callPage<typeof op.listBulkItems>(http, "GET /v1/bulk/:bulkId/items", { params: { bulkId } }, page),
    cancel(bulkId, { reason, ...options } = {}) {
      const given = { params: { bulkId }, body: defined({ reason }) };
      return call<typeof op.cancelBulk>(http, "POST /v1/bulk/:bulkId/cancel", given, options);
    },
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
