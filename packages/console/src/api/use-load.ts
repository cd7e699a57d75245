import { type UseQueryOptions, type UseQueryResult, useQuery } from "@tanstack/react-query";

/** What each request of a query is given: it ends when its answer is no longer needed. */
interface LoadRequest {
  readonly signal: AbortSignal;
}

/** Loads data, and again whenever a message of the live stream or its age says so. */
export function useLoad<Data>(
  queryKey: readonly unknown[],
  load: (request: LoadRequest) => Promise<Data>,
  options: Omit<UseQueryOptions<Data>, "queryKey" | "queryFn"> = {},
): UseQueryResult<Data> {
  return useQuery({ ...options, queryKey, queryFn: ({ signal }) => load({ signal }) });
}
