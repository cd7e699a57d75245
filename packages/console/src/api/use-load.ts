import { type UseQueryOptions, type UseQueryResult, useQuery } from "@tanstack/react-query";
import { isAbsent } from "./client.ts";

/** The input of each request of a query: it ends when its answer is no longer needed. */
interface LoadRequest {
  readonly signal: AbortSignal;
}

/** A load: its data, the error of its last request, and how many of its requests have failed. */
type Load<Data> = Pick<UseQueryResult<Data>, "data" | "error"> & { readonly errorUpdateCount?: number };

/** Returns true if data are not known because their request has failed: neither while it loads, nor while earlier data are shown. */
export function hasFailed({ data, error }: Load<unknown>): boolean {
  return data === undefined && error !== null;
}

/**
 * Returns the items of a list that a part of a page can do without: none while they are not known. The part also renders a
 * `MissingNotice` of the same load, and says nothing that is true of an empty list only.
 */
export function itemsOf<Item>({
  data,
}: Pick<Load<readonly Item[] | { readonly items: readonly Item[] }>, "data">): readonly Item[] {
  if (data === undefined) return [];
  return "items" in data ? data.items : data;
}

/** A count, or why it is not known. */
export type Count = number | "loading" | "failed";

/**
 * Returns the count that data give. One that has failed stays failed during another request: the part of a page that
 * shows the failure sends that request, and would otherwise disappear and return endlessly.
 */
export function toCount<Data>(load: Load<Data>, count: (data: Data) => number): Count {
  if (load.data !== undefined) return count(load.data);
  return hasFailed(load) || (load.errorUpdateCount ?? 0) > 0 ? "failed" : "loading";
}

/**
 * Loads data, and again whenever a message of the live stream or its age says so. What the server does not have is not
 * requested again by age: only a message, or a person, can change that.
 */
export function useLoad<Data>(
  queryKey: readonly unknown[],
  load: (request: LoadRequest) => Promise<Data>,
  options: Omit<UseQueryOptions<Data>, "queryKey" | "queryFn"> = {},
): UseQueryResult<Data> {
  const { refetchInterval: interval } = options;
  const toInterval = typeof interval === "function" ? interval : () => interval;
  const refetchInterval: typeof toInterval = (query) => !isAbsent(query.state.error) && toInterval(query);
  return useQuery({ ...options, refetchInterval, queryKey, queryFn: ({ signal }) => load({ signal }) });
}
