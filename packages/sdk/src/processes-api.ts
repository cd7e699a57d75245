import type { Page, PageOptions } from "./history-entry.ts";
import type { HttpClient } from "./http-client.ts";

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
  /** Its newest heartbeat; one comes every 15 s. */
  readonly seenAt: string;
}

/** Servers and workers of the yard. */
export interface ProcessesApi {
  /** Those that told in the last 45 s that they live, in the order in which they started. */
  list(page?: PageOptions): Promise<Page<YardProcess>>;
}

/** The part of the client that is about processes. */
export function createProcessesApi(http: HttpClient): ProcessesApi {
  return {
    list: ({ signal, ...query } = {}) =>
      http.requestJson({ path: ["v1", "processes"], query, ...(signal && { signal }) }),
  };
}
