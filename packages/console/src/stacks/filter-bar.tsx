import type { ReactNode } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { itemsOf, useLoad } from "../api/use-load.ts";
import { NO_JOBS } from "../api/use-main-conditions.ts";
import { FilterChoice, Filters, FilterText, MoreFilters } from "../design/filters.tsx";
import { useSearch } from "../design/links.tsx";
import { useMedia } from "../design/use-media.ts";
import { FILTER_NAMES, type FilterName, SORT_WORDS } from "./stack-filter.ts";

const MORE: readonly FilterName[] = ["task", "code", "prefix", "revision", "metadata"];
const ON_PHONE = ["machine", "state", "sort", "group"];

interface FilterBarProps {
  /** The grouping of rows, and their columns. */
  readonly tools: ReactNode;
  /** As what rows are shown. */
  readonly views: ReactNode;
}

/** Renders all filters and the order. On a phone only the first one is in view, so that the list is. */
export function FilterBar({ tools, views }: FilterBarProps) {
  const search = useSearch();
  const isPhone = useMedia("(max-width: 719px)");
  const isChosen = [...MORE, ...ON_PHONE].some((name) => search[name] !== undefined);
  const main = <FilterText name="text" label="Id contains" shortcut="/" />;
  if (isPhone) {
    return (
      <Filters>
        {main}
        <details open={isChosen}>
          <summary>Filters and order</summary>
          <div className="filters">
            <Choices />
            <Order />
            {tools}
          </div>
        </details>
        <div className="stacks-view">{views}</div>
      </Filters>
    );
  }
  return (
    <Filters>
      {main}
      <Choices />
      <div className="stacks-view">
        <Order />
        {tools}
        {views}
      </div>
    </Filters>
  );
}

function Choices() {
  const machine = useSearch()["machine"];
  const machines = useLoad(keys.other("machine-names"), (request) => yard.machines.list(request), {
    staleTime: 60_000,
  });
  const states = useLoad(
    keys.count("state-names", { machine }),
    ({ signal }) => yard.stacks.counts({ ...NO_JOBS, ...(machine && { machine }) }, { by: "state", signal }),
    { staleTime: 60_000 },
  );
  const stateNames = states.data?.groups.flatMap(({ state }) => (state === undefined ? [] : [state]));
  return (
    <>
      <FilterChoice
        name="machine"
        label="Machine"
        options={itemsOf(machines).map(({ name }) => name)}
        query={machines}
      />
      <FilterChoice name="state" label="State" options={[...new Set(stateNames)].sort()} query={states} />
      <MoreFilters filters={MORE.map((name) => ({ name, label: toLabel(name) }))} />
    </>
  );
}

function Order() {
  return (
    <FilterChoice name="sort" label="Order" usual="by need" options={Object.keys(SORT_WORDS)} words={SORT_WORDS} />
  );
}

function toLabel(name: FilterName): string {
  const word = FILTER_NAMES[name];
  return name === "metadata" ? "Metadata, key=value" : word.charAt(0).toUpperCase() + word.slice(1);
}
