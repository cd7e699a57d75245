import { defined, nameSender } from "@stackyard/core";
import type { Cause, DeadLetter, ListedParkedEvent, StackSummary } from "@stackyard/sdk";
import { useEffect, useState } from "react";
import { useRefusal } from "../api/access.ts";
import { toFailure, yard } from "../api/client.ts";
import { newEventId } from "../api/event-id.ts";
import { keys } from "../api/keys.ts";
import { rememberList } from "../api/last-list.ts";
import { usePages } from "../api/use-pages.ts";
import { useOperation } from "../app/use-operation.tsx";
import { BulkDialog } from "../bulk/bulk-dialog.tsx";
import { Button } from "../design/button.tsx";
import { Empty } from "../design/page.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { type Column, Listed, ListTable, Table, toActionsColumn } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { dropColors } from "../text/ansi.ts";
import { isOfCause, toLetterFilter } from "./dead-letters.ts";

const HEIGHT = 360;

/** Renders the stacks with tasks that failed by one cause. */
export function FailedStacks({ cause }: { cause: Cause }) {
  const { task, code = "" } = cause;
  const condition = cause.kind === "degraded" ? "degraded" : "failed";
  const filter = { condition, code, ...defined({ task }) } as const;
  const list = usePages(keys.list("failed-stacks", filter), (part) =>
    yard.stacks.list(filter, { sort: "-updatedAt", ...part }),
  );
  useEffect(() => rememberList((list.items ?? []).map(({ id }) => id)));
  const columns: readonly Column<StackSummary>[] = [
    { header: "Stack", cell: ({ id }) => <StackLink id={id} /> },
    { header: "State", cell: ({ machine, state }) => <Text>{`${machine}, ${state}`}</Text> },
    { header: "Failed", cell: ({ lastFailure, updatedAt }) => <Ago at={lastFailure?.at ?? updatedAt} /> },
    { header: "Message", cell: (stack) => <Text>{dropColors(messageOf(stack, task))}</Text> },
    ...(condition === "degraded"
      ? []
      : [toActionsColumn((stack: StackSummary) => <RetryOne stack={stack} task={task} />)]),
  ];
  return (
    <ListTable
      list={list}
      empty={<Empty>No stack fails by this cause any more.</Empty>}
      label="Stacks of this cause"
      columns={columns}
      keyOf={({ id }) => id}
      height={HEIGHT}
    />
  );
}

function messageOf({ tasks, lastFailure }: StackSummary, task: string | undefined): string {
  const failed = tasks.find(({ name, status }) => status === "ERROR" && (task === undefined || name === task));
  return failed?.errorMessage ?? lastFailure?.message ?? "";
}

/** Retries at once, each press anew: the row outlives it when the stack fails again. The toast follows the outcome. */
function RetryOne({ stack: { id, machine }, task }: { stack: StackSummary; task: string | undefined }) {
  const refusal = useRefusal("operate", { machine, stackId: id });
  const toast = useToast();
  const run = useOperation(id);
  const retry = async () => {
    try {
      await run(`Retry ${id}`, () => yard.stacks.retry(id, { id: newEventId(), ...defined({ task }) }));
    } catch (error) {
      toast(`Retry ${id}: ${toFailure(error).detail}`, "fail");
    }
  };
  return (
    <Button refusal={refusal} label={`Retry ${id}`} onPress={retry}>
      Retry
    </Button>
  );
}

/** Renders the parked events of one cause. */
export function ParkedEvents({ cause }: { cause: Cause }) {
  const { event, code } = cause;
  const filter = defined({ event, code });
  const list = usePages(keys.list("parked", filter), (part) => yard.events.listParked(filter, part));
  return (
    <ListTable
      list={list}
      empty={<Empty>No event is parked by this cause any more.</Empty>}
      label="Parked events of this cause"
      columns={PARKED}
      keyOf={({ id }) => id}
      height={HEIGHT}
    />
  );
}

const PARKED: readonly Column<ListedParkedEvent>[] = [
  {
    header: "Stack",
    cell: ({ stackId, stackExists }) => (
      <>
        <StackLink id={stackId} /> {!stackExists && <span className="muted">does not exist yet</span>}
      </>
    ),
  },
  { header: "Event", cell: ({ event }) => <Text>{event}</Text> },
  { header: "Reason", cell: ({ reason }) => <Text>{reason}</Text> },
  { header: "Parked", cell: ({ parkedAt }) => <Ago at={parkedAt} /> },
  { header: "Tries", number: true, cell: ({ tries }) => tries },
  { header: "Next try", cell: ({ nextTryAt }) => <Ago at={nextTryAt} /> },
  toActionsColumn((event) => <WithdrawOne event={event} />),
];

function WithdrawOne({ event: { id, stackId } }: { event: ListedParkedEvent }) {
  const [isOpen, setOpen] = useState(false);
  const refusal = useRefusal("repair", { stackId });
  return (
    <>
      <Button refusal={refusal} label={`Withdraw ${id}`} onPress={() => setOpen(true)}>
        Withdraw…
      </Button>
      {isOpen && (
        <BulkDialog request={{ operation: "withdraw", filter: { ids: [id] } }} onClose={() => setOpen(false)} />
      )}
    </>
  );
}

/** Renders the dead letters of one cause. */
export function DeadLetters({ cause }: { cause: Cause }) {
  const filter = toLetterFilter(cause);
  const list = usePages(keys.list("dead-letters", filter), (part) => yard.events.listDeadLetters(filter, part));
  return (
    <Listed list={list} empty={<Empty>No dead letter has this cause any more.</Empty>}>
      {(items) => (
        <Table
          label="Dead letters of this cause"
          columns={toDeadColumns(items)}
          rows={items.filter((letter) => isOfCause(letter, cause))}
          keyOf={({ id }) => id}
          height={HEIGHT}
          onEnd={list.loadMore}
        />
      )}
    </Listed>
  );
}

const toDeadColumns = (letters: readonly DeadLetter[]): readonly Column<DeadLetter>[] => [
  { header: "Stack", cell: ({ stackId }) => <StackLink id={stackId} /> },
  { header: "Event", cell: ({ event }) => <Text>{event ?? "invalid"}</Text> },
  { header: "Reason", cell: ({ reason }) => <Text>{reason}</Text> },
  { header: "From", cell: (letter) => <Text>{nameSender(letter, letters) ?? "–"}</Text> },
  { header: "Dead-lettered", cell: ({ deadLetteredAt }) => <Ago at={deadLetteredAt} /> },
  toActionsColumn((letter) => <RepairOne letter={letter} />),
];

function RepairOne({ letter: { id, stackId } }: { letter: DeadLetter }) {
  const [operation, setOperation] = useState<"redrive" | "dismiss">();
  const refusal = useRefusal("repair", { stackId });
  return (
    <>
      <Button refusal={refusal} label={`Redrive ${id}`} onPress={() => setOperation("redrive")}>
        Redrive…
      </Button>
      <Button refusal={refusal} label={`Dismiss ${id}`} onPress={() => setOperation("dismiss")}>
        Dismiss…
      </Button>
      {operation !== undefined && (
        <BulkDialog request={{ operation, filter: { ids: [id] } }} onClose={() => setOperation(undefined)} />
      )}
    </>
  );
}
