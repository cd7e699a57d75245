import type { Approval, StackDetails } from "@stackyard/sdk";
import { toStackId } from "../api/attempt-ids.ts";
import { To } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Panel } from "../design/page.tsx";
import { ApprovalLink, StackLink } from "../design/stack-link.tsx";
import { type Column, Table } from "../design/table.tsx";
import { Ago, Reason, Text } from "../design/text.tsx";

type Props = { readonly stack: StackDetails };

const APPROVALS: Column<Approval>[] = [
  { header: "Task", cell: (approval) => <ApprovalLink approval={approval} /> },
  {
    header: "From",
    cell: ({ from, need, count }) => (
      <>
        <Text>{from.join(", ")}</Text>: {count - need} of {count}
      </>
    ),
  },
  { header: "Ends", cell: ({ expiresAt }) => <Ago at={expiresAt} /> },
];

/** Renders open approvals, with links to where they are given. */
export function ApprovalsPanel({ stack: { approvals = [] } }: Props) {
  if (approvals.length === 0) return null;
  return (
    <Panel title="Approvals">
      <Table label="Approvals" columns={APPROVALS} rows={approvals} keyOf={({ id }) => id} />
    </Panel>
  );
}

const PARKED: Column<StackDetails["parked"][number]>[] = [
  {
    header: "Event",
    cell: ({ event, actor }) => (
      <span className="row">
        <Mark status="parked" bare />
        <Text>{event}</Text>
        {actor !== undefined && (
          <span className="muted">
            <Text>{actor}</Text>
          </span>
        )}
      </span>
    ),
  },
  {
    header: "Why",
    cell: ({ reason, code }) => <Reason reason={reason} code={code} />,
  },
  { header: "Received", cell: ({ receivedAt }) => <Ago at={receivedAt} /> },
  {
    header: "Next try",
    cell: ({ nextTryAt, tries }) => (
      <>
        <Ago at={nextTryAt} /> <span className="muted">after {tries}</span>
      </>
    ),
  },
];

/** Renders events that the stack rejects for now. */
export function ParkedPanel({ stack: { parked } }: Props) {
  if (parked.length === 0) return null;
  return (
    <Panel title={`Parked events ${parked.length}`}>
      <Table label="Parked events" columns={PARKED} rows={parked} keyOf={({ eventId }) => eventId} height="40vh" />
    </Panel>
  );
}

interface KeyRow {
  readonly id: string;
  readonly key: string;
  readonly task: string;
  readonly queued?: { readonly holder: string; readonly place: number };
}

const KEYS: Column<KeyRow>[] = [
  { header: "Key", cell: ({ key }) => <Text mono>{key}</Text> },
  { header: "Task", cell: ({ task }) => <Text>{task}</Text> },
  {
    header: "Holder",
    cell: ({ queued }) =>
      queued === undefined ? (
        "this stack"
      ) : (
        <>
          <StackLink id={toStackId(queued.holder)} />
          <span className="muted">
            {" "}
            place {queued.place},{" "}
            <To path="/log" search={{ attempt: queued.holder }}>
              log
            </To>
          </span>
        </>
      ),
  },
];

/** Renders exclusive keys that attempts of this stack hold or wait for. */
export function KeysPanel({ stack: { attempts } }: Props) {
  const open = attempts.filter(({ status }) => status !== "settled");
  const rows = open.flatMap(({ attemptId, task, heldKeys, queuedFor }): KeyRow[] => [
    ...heldKeys.map((key) => ({ id: `${attemptId} ${key}`, key, task })),
    ...(queuedFor === undefined
      ? []
      : [{ id: `${attemptId} ${queuedFor.key} queued`, key: queuedFor.key, task, queued: queuedFor }]),
  ]);
  if (rows.length === 0) return null;
  return (
    <Panel title="Keys">
      <Table label="Keys" columns={KEYS} rows={rows} keyOf={({ id }) => id} />
    </Panel>
  );
}
