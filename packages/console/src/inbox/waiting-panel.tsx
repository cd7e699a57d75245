import type { StackSummary } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { usePages } from "../api/use-pages.ts";
import { Empty, Panel } from "../design/page.tsx";
import { STACK_COLUMN } from "../design/stack-link.tsx";
import { type Column, Listed, Table } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";

/** What a wait is for, in words. */
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
  approval: "An approval is open",
  operator: "An operator must act",
};

/** Stacks that are not at rest, those first that have waited longest. */
export function WaitingPanel() {
  const list = usePages(keys.list("waiting"), (part) =>
    yard.stacks.list({ condition: "waiting", waiting: true }, { sort: "enteredAt", ...part }),
  );
  return (
    <Panel title="Waiting, longest first">
      <Listed list={list} empty={<Empty>No stack waits.</Empty>}>
        {(items) => (
          <Table
            label="Waiting stacks"
            columns={COLUMNS}
            rows={items}
            keyOf={({ id }) => id}
            height="max(24rem, calc(100dvh - 220px))"
            onEnd={list.loadMore}
          />
        )}
      </Listed>
    </Panel>
  );
}

const COLUMNS: readonly Column<StackSummary>[] = [
  STACK_COLUMN,
  { id: "state", header: "State", cell: ({ machine, state }) => <Text>{`${machine}, ${state}`}</Text> },
  { id: "since", header: "Since", cell: ({ enteredAt }) => <Ago at={enteredAt} plain /> },
  { id: "cause", header: "Cause", cell: ({ waiting }) => KINDS[waiting?.waitsFor?.kind ?? ""] ?? "Other" },
  { id: "waits", header: "Waits", cell: ({ waiting }) => <Text>{waiting?.summary ?? ""}</Text> },
];
