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
import { Ago, Text } from "../design/text.tsx";

/** The reason of a wait, in words. */
const KINDS: Readonly<Record<string, string>> = {
  worker: "No worker has taken the task",
  key: "Another attempt holds the exclusive key",
  event: "An event must be sent",
  parked: "A parked event is tried again",
  leaving: "Tasks of earlier states still run",
  need: "Other tasks must end first",
  timer: "A timer is set",
  cancel: "A task was asked to stop",
  poll: "A task runs outside of the workers",
  lease: "A task runs on a worker",
  result: "The result of a task is being applied",
  approval: "An approval is open",
  operator: "A person must act",
};

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
              rows={cause === undefined ? items : items.filter((stack) => toCause(stack) === cause)}
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

/** Renders how many of the loaded stacks wait for each cause. A cause is a filter. */
function Causes({ items, isAll }: { items: readonly StackSummary[]; isAll: boolean }) {
  const { cause } = useSearch();
  const change = useChangeSearch();
  const counts = new Map<string, number>();
  for (const stack of items) counts.set(toCause(stack), (counts.get(toCause(stack)) ?? 0) + 1);
  // The cause of the address stays a filter that can be left when its last stack has gone.
  if (cause !== undefined && !counts.has(cause)) counts.set(cause, 0);
  const largestFirst = [...counts].sort(([, left], [, right]) => right - left);
  return (
    <div className="row panel-body" role="toolbar" aria-label="Causes">
      {largestFirst.map(([kind, count]) => (
        <Button
          key={kind}
          pressed={kind === cause}
          onPress={() => change({ cause: kind === cause ? undefined : kind }, true)}
        >
          {`${toWords(kind)}: ${count}`}
        </Button>
      ))}
      {!isAll && <span className="muted">{`of the ${items.length} that have waited longest`}</span>}
    </div>
  );
}

function toCause({ waiting }: StackSummary): string {
  return waiting?.waitsFor?.kind ?? "other";
}

function toWords(cause: string): string {
  return Object.hasOwn(KINDS, cause) ? (KINDS[cause] ?? "") : "Other";
}

const COLUMNS: readonly Column<StackSummary>[] = [
  STACK_COLUMN,
  { header: "State", cell: ({ machine, state }) => <Text>{`${machine}, ${state}`}</Text> },
  { header: "Since", cell: ({ enteredAt }) => <Ago at={enteredAt} plain /> },
  { header: "Cause", cell: (stack) => toWords(toCause(stack)) },
  { header: "Waits", cell: ({ waiting }) => <Sentence text={waiting?.summary ?? ""} /> },
];
