import type { StackSummary } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { NO_JOBS } from "../api/use-main-conditions.ts";
import { usePages } from "../api/use-pages.ts";
import { Button } from "../design/button.tsx";
import { useChangeSearch, useSearch } from "../design/links.tsx";
import { Empty, Panel } from "../design/page.tsx";
import { Sentence } from "../design/sentence.tsx";
import { STACK_COLUMN } from "../design/stack-link.tsx";
import { type Column, Listed, Table } from "../design/table.tsx";
import { Ago, Day, Reason, Text } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { toFirstLine } from "../text/safe-text.ts";
import { findWaitEnd, findWaitSubject, nameWait } from "./wait-words.ts";

/** Stacks that are not at rest, those first that have waited longest, and what they wait for. */
export function WaitingPanel() {
  const { cause } = useSearch();
  const list = usePages(keys.list("waiting"), (part) =>
    yard.stacks.list({ condition: "waiting", waiting: true, ...NO_JOBS }, { sort: "enteredAt", ...part }),
  );
  return (
    <Panel title="Waiting, longest first">
      <Listed list={list} empty={<Empty>No stack waits.</Empty>}>
        {(items) => (
          <>
            <Causes items={items} isAll={list.loadMore === undefined && !list.isLoadingMore} />
            <Table
              label="Waiting stacks"
              columns={COLUMNS}
              rows={cause === undefined ? items : items.filter((stack) => nameWait(stack) === cause)}
              keyOf={({ id }) => id}
              height="max(24rem, calc(100dvh - 260px))"
              onEnd={list.loadMore}
            />
          </>
        )}
      </Listed>
    </Panel>
  );
}

/** Renders how many of the loaded stacks wait for what. It is a filter. */
function Causes({ items, isAll }: { items: readonly StackSummary[]; isAll: boolean }) {
  const { cause } = useSearch();
  const change = useChangeSearch();
  const counts = new Map<string, number>();
  for (const stack of items) counts.set(nameWait(stack), (counts.get(nameWait(stack)) ?? 0) + 1);
  // The cause of the address stays a filter that can be left when its last stack has gone.
  if (cause !== undefined && !counts.has(cause)) counts.set(cause, 0);
  const largestFirst = [...counts].sort(([, left], [, right]) => right - left);
  return (
    <div className="row panel-body" role="toolbar" aria-label="What they wait for">
      {largestFirst.map(([name, count]) => (
        <Button
          key={name}
          pressed={name === cause}
          onPress={() => change({ cause: name === cause ? undefined : name }, true)}
        >
          {`${name}: ${count}`}
        </Button>
      ))}
      {!isAll && <span className="muted">{`of the ${items.length} that have waited longest`}</span>}
    </div>
  );
}

const COLUMNS: readonly Column<StackSummary>[] = [
  {
    ...STACK_COLUMN,
    cell: (stack) => (
      <>
        {STACK_COLUMN.cell(stack)}
        <span className="waiting-below muted">
          <Text>{`${stack.machine}, ${stack.state}`}</Text>
        </span>
      </>
    ),
  },
  { header: "Waits for", prose: true, cell: (stack) => <Subject stack={stack} /> },
  { header: "Since", cell: ({ enteredAt }) => <Ago at={enteredAt} plain /> },
  { header: "Ended by", cell: (stack) => <End stack={stack} /> },
];

function Subject({ stack }: { readonly stack: StackSummary }) {
  const { task, does, code, why } = findWaitSubject(stack);
  return (
    <>
      {task !== undefined && (
        <>
          <strong>
            <Text>{task}</Text>
          </strong>
          {does !== undefined && (
            <>
              {" "}
              <Reason reason={does} code={code} />
            </>
          )}
        </>
      )}
      <span className={task === undefined ? undefined : "waiting-below muted"}>
        <Sentence text={toFirstLine(dropColors(why))} />
      </span>
    </>
  );
}

function End({ stack }: { readonly stack: StackSummary }) {
  const { by, how, at } = findWaitEnd(stack);
  return (
    <>
      <Text>{by}</Text>
      {how !== undefined && (
        <span className="waiting-below muted">
          <Text>{how}</Text>
        </span>
      )}
      {at !== undefined && (
        <span className="waiting-below muted">
          {at.does} <Day at={at.instant} />
        </span>
      )}
    </>
  );
}
