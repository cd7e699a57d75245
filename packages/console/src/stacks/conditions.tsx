import type { StackCondition, StackFilter } from "@stackyard/sdk";
import { countOf, useConditionCounts } from "../api/use-condition-counts.ts";
import { To, useSearch } from "../design/links.tsx";
import { Mark, type Status } from "../design/mark.tsx";
import { CONDITION_WORDS } from "./stack-filter.ts";

function toStatus(condition: string): Status {
  return condition === "busy" ? "running" : (condition as Exclude<StackCondition, "busy">);
}

/** Renders how many of the stacks have which condition; each is a filter. */
export function Conditions({ filter: { condition, ...filter } }: { filter: Omit<StackFilter, "waiting"> }) {
  const search = useSearch();
  const counts = useConditionCounts(filter);
  return (
    <nav className="stacks-conditions" aria-label="Conditions">
      <To path="/stacks" search={{ ...search, condition: undefined }} current={condition === undefined}>
        All {counts.data?.total.toLocaleString("en")}
      </To>
      {Object.entries(CONDITION_WORDS).map(([name, word]) => (
        <To key={name} path="/stacks" search={{ ...search, condition: name }} current={condition === name}>
          <Mark status={toStatus(name)} word={`${word} ${countOf(counts.data, name).toLocaleString("en")}`} />
        </To>
      ))}
    </nav>
  );
}
