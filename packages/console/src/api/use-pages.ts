import type { Page } from "@stackyard/sdk";
import { useInfiniteQuery } from "@tanstack/react-query";

/** Which part of a list to load. */
export interface PagePart {
  readonly cursor?: string;
  readonly limit: number;
  readonly signal: AbortSignal;
}

const PAGE_SIZE = 100;

/** A list that the server pages: what is loaded, and how to load more. */
export interface PagedList<Item> {
  readonly items: readonly Item[] | undefined;
  /** The error of the last request; items that were loaded before stay. */
  readonly error: unknown;
  readonly loadMore: (() => void) | undefined;
  readonly isLoadingMore: boolean;
  readonly refetch: () => void;
}

/** Returns true for a list of which it is known that it has nothing: not for one that loads, has failed, or has pages left. */
export function isKnownEmpty({ items, error, loadMore }: PagedList<unknown>): boolean {
  return items?.length === 0 && error === null && loadMore === undefined;
}

/** Loads a list by pages of 100. A refetch loads the pages again that were loaded. */
export function usePages<Item>(
  queryKey: readonly unknown[],
  load: (part: PagePart) => Promise<Page<Item>>,
  limit = PAGE_SIZE,
): PagedList<Item> {
  const query = useInfiniteQuery({
    // Paged data has another format than a single response of the same name.
    queryKey: [...queryKey, "pages"],
    queryFn: ({ pageParam, signal }) => load({ limit, signal, ...(pageParam !== "" && { cursor: pageParam }) }),
    initialPageParam: "",
    getNextPageParam: ({ cursor }) => cursor,
    // A changed filter shows the rows of the one before until its own are there.
    placeholderData: (before) => before,
  });
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query;
  return {
    items: data?.pages.flatMap(({ items }) => items),
    error,
    loadMore: hasNextPage && !isFetchingNextPage ? () => void fetchNextPage() : undefined,
    isLoadingMore: isFetchingNextPage,
    refetch: () => void refetch(),
  };
}
