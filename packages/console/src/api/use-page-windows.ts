import { RecentMap } from "@stackyard/core";
import type { Page } from "@stackyard/sdk";
import { useQueries } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useKeptPlace } from "../design/kept-places.ts";
import type { PagePart } from "./use-pages.ts";

const PAGE_SIZE = 100;
const KEPT_PAGES = 20;

/** A long list of which only the pages in view are loaded and kept fresh. */
export interface WindowedList<Item> {
  /** One for each known row; undefined: not loaded now. Undefined before the first answer. */
  readonly rows: readonly (Item | undefined)[] | undefined;
  /** The rows are those of the filter before. */
  readonly isOutdated: boolean;
  readonly error: unknown;
  readonly refetch: () => void;
  /** Reports which rows are in view. */
  readonly onRange: (first: number, last: number) => void;
}

interface View {
  /** The list that this is a view of. */
  readonly list: string;
  /** Where each known page begins. */
  readonly starts: readonly string[];
  readonly first: number;
  readonly last: number;
}

/** The view to which a person goes back: which pages were in view, and how many rows the others have. */
interface KeptView {
  readonly view: View;
  readonly sizes: Map<string, number>;
}

/**
 * Loads a list of any length: pages of 100, of which those in view are fetched and refetched, and the last 20 stay in memory.
 * The rows of the pages in between are known by their number alone.
 */
export function usePageWindows<Item>(
  queryKey: readonly unknown[],
  load: (part: PagePart) => Promise<Page<Item>>,
): WindowedList<Item> {
  const list = JSON.stringify(queryKey);
  const start = { list, starts: [""], first: 0, last: 0 };
  const place = useKeptPlace<KeptView>(`pages ${list}`, { view: start, sizes: new Map() });
  const [kept, setView] = useState(() => place.read().view);
  const view = toKnown(kept.list === list ? kept : start);
  const pages = useRef(new RecentMap<string, Page<Item>>(KEPT_PAGES));
  const sizes = useRef(place.read().sizes);
  const shown = view.starts.slice(view.first, view.last + 1);
  const queries = useQueries({
    queries: shown.map((cursor) => ({
      queryKey: [...queryKey, cursor],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        load({ limit: PAGE_SIZE, signal, ...(cursor !== "" && { cursor }) }),
    })),
  });
  for (const [index, { data }] of queries.entries()) {
    if (data === undefined) continue;
    pages.current.set(`${list} ${shown[index]}`, data);
    sizes.current.set(`${list} ${shown[index]}`, data.items.length);
  }
  useEffect(() => {
    const starts = toStarts(pages.current, view);
    // The rows in view may have changed since this rendering.
    if (starts !== view.starts) setView((now) => ({ ...(now.list === list ? now : view), starts }));
  });
  useEffect(() => place.write({ view, sizes: sizes.current }));
  const onRange = useCallback(
    (first: number, last: number) => {
      const [from, to] = [Math.floor(first / PAGE_SIZE), Math.floor(last / PAGE_SIZE)];
      setView((before) => {
        const now = before.list === list ? before : { list, starts: [""], first: 0, last: 0 };
        return now.first === from && now.last === to && now === before ? before : { ...now, first: from, last: to };
      });
    },
    [list],
  );
  const stamp = queries.map(({ dataUpdatedAt }) => dataUpdatedAt).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the pages change with the stamp
  const rows = useMemo(() => toRows(pages.current, sizes.current, view), [stamp, list, view.starts]);
  const latest = useRef(rows);
  if (rows !== undefined) latest.current = rows;
  const failed = queries.find(({ error }) => error !== null);
  return {
    rows: failed === undefined ? latest.current : rows,
    isOutdated: rows === undefined,
    error: failed?.error ?? null,
    refetch: () => void failed?.refetch(),
    onRange,
  };
}

/**
 * Limits a view to the pages that are known: under another filter, the rows in view are still those of the filter before, and
 * may be further down than the new ones go.
 */
function toKnown(view: View): View {
  const end = view.starts.length - 1;
  return view.last <= end ? view : { ...view, first: Math.min(view.first, end), last: end };
}

/** Follows the cursors of the pages in view: a changed one makes the places after it unknown. */
function toStarts<Item>(pages: ReadonlyMap<string, Page<Item>>, { list, starts, first, last }: View) {
  for (let index = first; index <= last && index < starts.length; index += 1) {
    const page = pages.get(`${list} ${starts[index]}`);
    if (page !== undefined && page.cursor !== starts[index + 1]) {
      const known = starts.slice(0, index + 1);
      return page.cursor === undefined ? known : [...known, page.cursor];
    }
  }
  return starts;
}

function toRows<Item>(
  pages: ReadonlyMap<string, Page<Item>>,
  sizes: ReadonlyMap<string, number>,
  { list, starts }: View,
): readonly (Item | undefined)[] | undefined {
  if (starts.length === 1 && !pages.has(`${list} ${starts[0]}`)) return undefined;
  return starts.flatMap((cursor): readonly (Item | undefined)[] => {
    const key = `${list} ${cursor}`;
    return pages.get(key)?.items ?? Array.from<undefined>({ length: sizes.get(key) ?? PAGE_SIZE });
  });
}
