import type { Page, PageOptions } from "./history-entry.ts";
import type { HttpClient } from "./http-client.ts";
import { loadPage } from "./load-page.ts";

/** A process that works for the yard. `engine`: it answers the API and applies events; `worker`: it runs tasks. */
export interface YardProcess {
  /** Also the owner of the attempts that it runs. */
  readonly id: string;
  readonly roles: readonly ("engine" | "worker")[];
  readonly version: string;
  readonly host: string;
  readonly pid?: number;
  /** Where its API is. */
  readonly url?: string;
  /** Whose tasks it runs. */
  readonly executors: readonly string[];
  /** Tasks that it runs at the same time. */
  readonly capacity: number;
  readonly running: number;
  /** It takes nothing new, and ends when what runs has ended. */
  readonly draining: boolean;
  readonly startedAt: string;
  /** Its newest heartbeat; one comes every 5 s. */
  readonly seenAt: string;
  /** No heartbeat for 20 s: it was killed, or cannot reach the store. */
  readonly gone: boolean;
}

/** Servers and workers of the yard. */
export interface ProcessesApi {
  /** In the order in which they started. One that died is listed as gone for 10 minutes. */
  list(page?: PageOptions): Promise<Page<YardProcess>>;
}

/** The part of the client that is about processes. */
export function createProcessesApi(http: HttpClient): ProcessesApi {
  return {
    list: ({ signal, ...query } = {}) =>
      loadPage(http, { path: ["v1", "processes"], query, ...(signal && { signal }) }),
  };
}
