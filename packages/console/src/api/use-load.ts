import { type UseQueryOptions, type UseQueryResult, useQuery } from "@tanstack/react-query";
import { isAbsent } from "./client.ts";

/** The input of each request of a query: it ends when its answer is no longer needed. */
interface LoadRequest {
  readonly signal: AbortSignal;
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
