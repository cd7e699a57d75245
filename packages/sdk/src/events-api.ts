import type { HistoryEntry, HistoryOptions, Page, PageOptions, SetAsideEvent } from "./history-entry.ts";
import type { CallOptions, HttpClient } from "./http-client.ts";
import { loadPage } from "./load-page.ts";
import type { ListedParkedEvent } from "./stack.ts";

/** Which set-aside or parked events. */
export interface SetAsideFilter {
  readonly stackId?: string;
  readonly code?: string;
}

/** Events of the yard. */
export interface EventsApi {
  /** What became of an event, oldest first. */
  history(eventId: string, page?: PageOptions): Promise<Page<HistoryEntry>>;
  /** The history of the yard. */
  list(options?: HistoryOptions): Promise<Page<HistoryEntry>>;
  /** Events that their stacks refuse for the present, also of stacks that do not exist yet. Pages may be short. */
  listParked(filter?: SetAsideFilter, page?: PageOptions): Promise<Page<ListedParkedEvent>>;
  listSetAside(filter?: SetAsideFilter, page?: PageOptions): Promise<Page<SetAsideEvent>>;
  /** Puts set-aside events back into the queue, by the ids of their entries. */
  redrive(
    ids: readonly string[],
    options?: CallOptions,
  ): Promise<{ readonly redriven: readonly string[]; readonly unknown: readonly string[] }>;
}

/** The part of the client that is about events. */
export function createEventsApi(http: HttpClient): EventsApi {
  return {
    history: (eventId, { signal, ...query } = {}) =>
      loadPage(http, { path: ["v1", "events", eventId, "history"], query, ...(signal && { signal }) }),
    list: ({ signal, ...query } = {}) =>
      loadPage(http, { path: ["v1", "history"], query: { ...query }, ...(signal && { signal }) }),
    listParked: (filter = {}, { signal, ...page } = {}) =>
      loadPage(http, { path: ["v1", "parked"], query: { ...filter, ...page }, ...(signal && { signal }) }),
    listSetAside: (filter = {}, { signal, ...page } = {}) =>
      loadPage(http, { path: ["v1", "set-aside"], query: { ...filter, ...page }, ...(signal && { signal }) }),
    // Sent twice, the second answer would call the ids unknown.
    redrive: (ids, options) =>
      http.requestJson({
        method: "POST",
        path: ["v1", "set-aside", "redrive"],
        body: { ids },
        repeatable: false,
        ...options,
      }),
  };
}
