import type { Page, UnreadableRow } from "./history-entry.ts";
import type { CallOptions, HttpClient } from "./http-client.ts";

/** What a list is asked for. An infinite limit loads the whole list. */
export interface PageRequest extends CallOptions {
  /** Segments of the path, unencoded. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string | number | undefined>> & {
    readonly limit?: number;
    readonly cursor?: string;
  };
}

const DEFAULT_LIMIT = 100;
/** The most that the server takes. */
const MAX_LIMIT = 1_000;

/**
 * Loads a page up to its limit. The server ends a page of large items at about 1 MiB, so that it may take several
 * requests; a page that is shorter than its limit and has a cursor never leaves this function.
 */
export async function loadPage<Item>(
  http: Pick<HttpClient, "requestJson">,
  { path, query, signal }: PageRequest,
): Promise<Page<Item>> {
  const { limit = DEFAULT_LIMIT, ...filter } = query;
  const items: Item[] = [];
  const unreadable: UnreadableRow[] = [];
  let { cursor } = query;
  do {
    const left = Number.isFinite(limit) ? { limit: Math.min(limit - items.length, MAX_LIMIT) } : {};
    const part = { ...filter, ...left, ...(cursor === undefined ? {} : { cursor }) };
    const page = await http.requestJson<Page<Item>>({ path, query: part, ...(signal && { signal }) });
    items.push(...page.items);
    unreadable.push(...(page.unreadable ?? []));
    cursor = page.cursor;
  } while (cursor !== undefined && items.length < limit);
  return {
    items,
    ...(cursor === undefined ? {} : { cursor }),
    ...(unreadable.length === 0 ? {} : { unreadable }),
  };
}
