import type { StackFilter } from "@stackyard/sdk";
import { NEEDS_PERSON, needyOf, sumOf, useMainConditions } from "../api/use-main-conditions.ts";
import { To, useSearch } from "../design/links.tsx";
import { CONDITIONS, Mark, wordOf } from "../design/mark.tsx";
import { formatCount } from "../text/format-count.ts";
import { PERSON } from "./load-needing-person.ts";

/**
 * Renders how many of the stacks have which condition; each is a filter. Counts ignore the condition that is chosen, so
 * that the others can be compared; they add up to the first.
 */
export function Conditions({ filter: { mainCondition: chosen, ...filter } }: { filter: Omit<StackFilter, "waiting"> }) {
  const search = useSearch();
  const isPerson = search["is"] === PERSON;
  const { query, counts } = useMainConditions(filter);
  const shown = CONDITIONS.filter(
    (name) =>
      (counts !== undefined && sumOf(counts, name) > 0) ||
      name === chosen ||
      NEEDS_PERSON.some((each) => each === name),
  );
  return (
    <nav className="stacks-conditions" aria-label="Conditions">
      <To path="/stacks" search={{ ...search, is: undefined }} current={chosen === undefined && !isPerson}>
        All {formatCount(query.data?.total)}
      </To>
      <To path="/stacks" search={{ ...search, is: PERSON }} current={isPerson}>
        Needs attention {formatCount(counts && needyOf(counts, ...NEEDS_PERSON))}
      </To>
      {shown.map((name) => (
        <To
          key={name}
          path="/stacks"
          search={{ ...search, is: name }}
          current={chosen === name}
          {...(counts !== undefined && sumOf(counts, name) === 0 && { className: "none" })}
        >
          <Mark status={name} word={`${wordOf(name)} ${formatCount(counts && sumOf(counts, name))}`} />
        </To>
      ))}
    </nav>
  );
}
