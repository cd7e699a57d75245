import { useMemo, useState } from "react";
import { isUnreachable, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { NEEDS_PERSON, needyOf, useMainConditions } from "../api/use-main-conditions.ts";
import { usePageWindows } from "../api/use-page-windows.ts";
import type { PagePart } from "../api/use-pages.ts";
import { FirstStack } from "../design/first-stack.tsx";
import { type Search, To, useChangeSearch, useSearch } from "../design/links.tsx";
import { Empty, ErrorNotice, MissingNotice, NoMatch, Page, Skeleton } from "../design/page.tsx";
import { Text } from "../design/text.tsx";
import { Conditions } from "./conditions.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { parseGroup } from "./group-choice.ts";
import { useListedOnly } from "./listed-only.ts";
import { loadInTurn, loadWorstFirst, NEEDY_PARTS, PERSON, type StackPart } from "./load-needing-person.ts";
import { RecentBulks } from "./recent-bulks.tsx";
import { type Selection, SelectionBar } from "./selection-bar.tsx";
import { FILTER_NAMES, formatFilters, toSort, toStackFilter } from "./stack-filter.ts";
import { GroupedStacks } from "./stack-groups.tsx";
import { type StackListProps, StackTable } from "./stack-table.tsx";
import { StackTiles } from "./stack-tiles.tsx";
import { ViewTabs } from "./view-tabs.tsx";
import { ViewSwitch, ViewTools } from "./view-tools.tsx";
import "./stacks.css";

const SHOWS =
  "Here you will see each environment of the yard, those that need attention first, with its state, its version and why it waits.";

const NONE: Selection = { ids: new Set(), all: false };
/** Stacks whose metadata decides which columns and groups are offered. */
const SAMPLE = 100;

/** What is listed in turn; `worst-first`: all stacks, unless a condition or an order is chosen. */
function chooseParts({ is, condition, sort }: Search): readonly StackPart[] | "worst-first" {
  if (is === PERSON) return NEEDY_PARTS;
  return (is ?? condition ?? sort) === undefined ? "worst-first" : [{}];
}

/** Renders all stacks, by pages of the server: as a list, in groups or as tiles, with bulk operations on them. */
export function StacksPage() {
  const search = useSearch();
  const filter = useMemo(() => toStackFilter(search), [search]);
  const sort = toSort(search["sort"]);
  const isPerson = search["is"] === PERSON;
  const parts = chooseParts(search);
  const list = usePageWindows(keys.list("stacks", { filter, sort, parts }), (part) => {
    const load = (more: StackPart, at: PagePart) =>
      yard.stacks.list({ condition: "any", ...filter, ...more, waiting: true }, { sort, ...at });
    return parts === "worst-first" ? loadWorstFirst(part, load) : loadInTurn(parts, part, load);
  });
  const counts = useLoad(keys.count("stacks", { filter }), (request) => yard.stacks.counts(filter, request), {
    placeholderData: (before) => before,
  });
  const conditions = useMainConditions(filter);
  const total = isPerson ? conditions.counts && needyOf(conditions.counts, ...NEEDS_PERSON) : counts.data?.total;
  // A selection belongs to the filter that it was made with.
  const scope = JSON.stringify([filter, isPerson]);
  const [selected, setSelected] = useState({ scope, selection: NONE });
  const selection = selected.scope === scope ? selected.selection : NONE;
  const select = (next: Selection) => setSelected({ scope, selection: next });
  useListedOnly(list.rows, selection, select);
  const sample = useMemo(() => (list.rows ?? []).slice(0, SAMPLE).flatMap((stack) => stack ?? []), [list.rows]);
  if (isNew(list.rows, counts.data?.total, search)) return <NewYard />;
  return (
    <Page
      title="Stacks"
      sentence={total !== undefined && <Total total={total} />}
      actions={
        <To path="/stacks" search={{ ...search, bulk: "list" }}>
          Bulk operations
        </To>
      }
    >
      <ViewTabs />
      <section className="panel stacks-panel" aria-label="List of stacks">
        <FilterBar tools={<ViewTools sample={sample} />} views={<ViewSwitch />} />
        <MissingNotice query={counts} />
        <MissingNotice query={conditions.query} />
        <Conditions filter={filter} />
        {hasNewError(list) && <ErrorNotice error={list.error} onRetry={list.refetch} />}
        {list.rows === undefined && list.error === null && <Skeleton height={400} />}
        {list.rows?.length === 0 && <NoStacks />}
        {list.rows !== undefined && list.rows.length > 0 && (
          <Stacks
            list={list}
            sort={sort}
            isSorted={parts !== "worst-first" && parts.length === 1}
            filter={filter}
            sample={sample}
            selection={selection}
            onSelect={select}
          />
        )}
      </section>
      <SelectionBar
        selection={selection}
        filter={filter}
        total={total}
        refusal={isPerson ? "Choose one condition first" : undefined}
        onChange={select}
      />
      {search["bulk"] !== undefined && <RecentBulks />}
    </Page>
  );
}

/** Rows that were loaded stay while the server is gone, without an error: the header says since when they are old. */
function hasNewError({ rows, error }: StackListProps["list"]): boolean {
  return error !== null && !(rows !== undefined && isUnreachable(error));
}

/** What filters a list, and counts its parts, has no use in a yard without stacks. */
function isNew(rows: readonly unknown[] | undefined, total: number | undefined, search: Search): boolean {
  return rows?.length === 0 && total === 0 && formatFilters(search) === "";
}

function NewYard() {
  return (
    <Page title="Stacks">
      <ViewTabs />
      <FirstStack shows={SHOWS} />
    </Page>
  );
}

/** Renders how many stacks the filters of the address fit. */
function Total({ total }: { readonly total: number }) {
  const filters = formatFilters(useSearch());
  return (
    <>
      <span>{`${total.toLocaleString("en")} ${total === 1 ? "stack" : "stacks"}`}</span>
      {filters !== "" && <Text>{`, ${filters}`}</Text>}
    </>
  );
}

type StacksProps = StackListProps & Pick<Parameters<typeof GroupedStacks>[0], "filter" | "sample">;

function Stacks({ filter, sample, ...list }: StacksProps) {
  const search = useSearch();
  const group = parseGroup(search["group"]);
  if (search["view"] === "tiles") return <StackTiles {...list} />;
  if (group === undefined || search["is"] === PERSON) return <StackTable {...list} />;
  const { sort, selection, onSelect } = list;
  return (
    <GroupedStacks
      // Another group begins anew.
      key={search["group"]}
      choice={group}
      filter={filter}
      sample={sample}
      sort={sort}
      selection={selection}
      onSelect={onSelect}
    />
  );
}

function NoStacks() {
  const search = useSearch();
  const changeSearch = useChangeSearch();
  const filters = formatFilters(search);
  const clear = () => changeSearch(Object.fromEntries(Object.keys(FILTER_NAMES).map((name) => [name, undefined])));
  if (filters !== "") return <NoMatch filters={filters} onClear={clear} />;
  return <Empty>No stack is listed.</Empty>;
}
