import type { StackSummary } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { usePages } from "../api/use-pages.ts";
import { Empty, Panel } from "../design/page.tsx";
import { STACK_COLUMN } from "../design/stack-link.tsx";
import { type Column, Listed, Table } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";

/** What a wait is for, in words, in the order in which a person can do something about it. */
const KINDS: Readonly<Record<string, string>> = {
  worker: "No worker has taken the task",
  key: "Another attempt holds the exclusive key",
  event: "An event must be sent",
  parked: "A parked event is tried again",
  leaving: "Tasks of earlier states still run",
  need: "Other tasks must end first",
  timer: "A timer is set",
  cancel: "A task was asked to stop",
  poll: "The work continues elsewhere",
  lease: "A worker works",
  result: "The answer is on its way",
  // These two have tabs of their own.
  approval: "An approval is open",
  operator: "An operator must act",
};

/** Stacks that are not at rest, by what they wait for. */
export function WaitingPanel() {
  const list = usePages(keys.list("waiting"), (part) =>
    yard.stacks.list({ condition: "waiting", waiting: true }, { sort: "enteredAt", ...part }),
  );
  return (
    <Panel title="Waiting, by what they wait for">
      <Listed list={list} empty={<Empty>No stack waits.</Empty>}>
        {(items) =>
          groupByWait(items).map(([kind, stacks]) => (
            <section key={kind} className="inbox-group">
              <h3 className="panel-body">
                {KINDS[kind] ?? "Other"} <span className="muted">{stacks.length}</span>
              </h3>
              <Table
                label={KINDS[kind] ?? "Other"}
                columns={COLUMNS}
                rows={stacks}
                keyOf={({ id }) => id}
                height={360}
              />
            </section>
          ))
        }
      </Listed>
    </Panel>
  );
}

function groupByWait(stacks: readonly StackSummary[]): readonly (readonly [string, readonly StackSummary[]])[] {
  const groups = Map.groupBy(stacks, ({ waiting }) => waiting?.waitsFor?.kind ?? "other");
  const order = Object.keys(KINDS);
  const rank = (kind: string) => (order.includes(kind) ? order.indexOf(kind) : order.length);
  return [...groups].sort(([a], [b]) => rank(a) - rank(b));
}

const COLUMNS: readonly Column<StackSummary>[] = [
  STACK_COLUMN,
  { id: "state", header: "State", cell: ({ machine, state }) => <Text>{`${machine}, ${state}`}</Text> },
  { id: "since", header: "Since", cell: ({ enteredAt }) => <Ago at={enteredAt} plain /> },
  { id: "waits", header: "Waits", cell: ({ waiting }) => <Text>{waiting?.summary ?? ""}</Text> },
];
