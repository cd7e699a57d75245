import { useMemo, useState } from "react";
import { isUnreachable, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { usePageWindows } from "../api/use-page-windows.ts";
import { To, useChangeSearch, useSearch } from "../design/links.tsx";
import { Empty, ErrorNotice, NoMatch, Page, Panel, Skeleton } from "../design/page.tsx";
import { Conditions } from "./conditions.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { RecentBulks } from "./recent-bulks.tsx";
import { type Selection, SelectionBar } from "./selection-bar.tsx";
import { FILTER_NAMES, formatFilters, toSort, toStackFilter } from "./stack-filter.ts";
import { StackTable } from "./stack-table.tsx";
import "./stacks.css";

const NONE: Selection = { ids: new Set(), all: false };

/** Renders all stacks, by pages of the server, with bulk operations on some of them or on all that match. */
export function StacksPage() {
  const search = useSearch();
  const filter = useMemo(() => toStackFilter(search), [search]);
  const sort = toSort(search["sort"]);
  const list = usePageWindows(keys.list("stacks", { filter, sort }), (part) =>
    yard.stacks.list({ condition: "any", ...filter, waiting: true }, { sort, ...part }),
  );
  const counts = useLoad(keys.count("stacks", { filter }), (request) => yard.stacks.counts(filter, request), {
    placeholderData: (before) => before,
  });
  const total = counts.data?.total;
  // A selection belongs to the filter that it was made with.
  const scope = JSON.stringify(filter);
  const [selected, setSelected] = useState({ scope, selection: NONE });
  const selection = selected.scope === scope ? selected.selection : NONE;
  const select = (next: Selection) => setSelected({ scope, selection: next });
  // Rows that were loaded stay while the server is gone; the header says since when they are old.
  const isStale = list.rows !== undefined && isUnreachable(list.error);
  return (
    <Page title="Stacks">
      <Panel
        title={total === undefined ? "Stacks" : `${total.toLocaleString("en")} ${total === 1 ? "stack" : "stacks"}`}
        actions={
          <>
            <To path="/jobs">Jobs</To>
            <To path="/stacks" search={{ ...search, bulk: "list" }}>
              Bulk operations
            </To>
          </>
        }
      >
        <FilterBar />
        <Conditions filter={filter} />
        <SelectionBar selection={selection} filter={filter} total={total} onChange={select} />
        {list.error !== null && !isStale && <ErrorNotice error={list.error} onRetry={list.refetch} />}
        {list.rows === undefined && list.error === null && <Skeleton height={400} />}
        {list.rows?.length === 0 && <NoStacks />}
        {list.rows !== undefined && list.rows.length > 0 && (
          <StackTable list={list} sort={sort} selection={selection} onSelect={select} />
        )}
      </Panel>
      {search["bulk"] !== undefined && <RecentBulks />}
    </Page>
  );
}

function NoStacks() {
  const search = useSearch();
  const changeSearch = useChangeSearch();
  const filters = formatFilters(search);
  const clear = () => changeSearch(Object.fromEntries(Object.keys(FILTER_NAMES).map((name) => [name, undefined])));
  if (filters !== "") return <NoMatch filters={filters} onClear={clear} />;
  return (
    <Empty command="stackyard send pr-1 OPENED --machine review-app">
      This yard has no stacks yet. The first event of a machine creates one.
    </Empty>
  );
}
