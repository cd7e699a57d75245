import type { OpenAttempt, StackPreview, YardProcess } from "@stackyard/sdk";
import { Fragment } from "react";
import { toStackId } from "../api/attempt-ids.ts";
import { isAbsent, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { totalOf, useMainConditions } from "../api/use-main-conditions.ts";
import { usePages } from "../api/use-pages.ts";
import { To } from "../design/links.tsx";
import { Mark, type Status } from "../design/mark.tsx";
import { Empty, Loaded, MissingNotice, Page, Panel } from "../design/page.tsx";
import { Figures } from "../design/pairs.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { type Column, Listed, ListTable, Table } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { formatDuration } from "../text/durations.ts";
import { formatCount } from "../text/format-count.ts";
import "./yard.css";

const REFETCH_MS = 5_000;

/** Servers, workers and their room, and what waits for a worker. */
export function YardPage() {
  return (
    <Page title="Yard" sentence="What the yard has to do now, and the servers and workers that do it.">
      <Totals />
      <FaultyPreviews />
      <Processes />
      <QueuedAttempts status="unclaimed" what="a worker" columns={UNCLAIMED_COLUMNS} />
      <QueuedAttempts status="queued" what="an exclusive key" columns={QUEUED_COLUMNS} />
      <OpenAttempts />
    </Page>
  );
}

function Totals() {
  const { counts, query } = useMainConditions();
  const info = useLoad(keys.count("yard"), (request) => yard.info(request), { refetchInterval: REFETCH_MS });
  return (
    <Panel>
      <MissingNotice query={query} />
      <Loaded query={info} height={80}>
        {(now) => (
          <Figures
            of={{
              Stacks: <To path="/stacks">{formatCount(counts && totalOf(counts))}</To>,
              "Events in the queue": now.queuedEvents,
              "Task runs in the queue": now.queuedTasks,
              "Open attempts": now.openAttempts,
              "Parked events": (
                <To path="/inbox" search={{ tab: "parked" }}>
                  {now.parkedEvents}
                </To>
              ),
              "Dead letters": (
                <To path="/inbox" search={{ tab: "dead" }}>
                  {now.deadLetters}
                </To>
              ),
            }}
          />
        )}
      </Loaded>
    </Panel>
  );
}

const FAULT_COLUMNS: readonly Column<StackPreview>[] = [
  { header: "Stack", cell: ({ stackId }) => <StackLink id={stackId} /> },
  {
    header: "Pull request",
    cell: ({ pull }) => <Text>{`${pull.repository.fullName}#${pull.number}`}</Text>,
  },
  { header: "Since", cell: ({ fault }) => (fault === undefined ? "–" : <Ago at={fault.since} />) },
  { header: "Why", cell: ({ fault }) => <Text>{fault?.reason ?? ""}</Text> },
];

/** Previews that may need a person. Shown only if there are any. */
function FaultyPreviews() {
  const previews = usePages(keys.other("faulty"), (part) => yard.previews.list({ ...part, faulty: true }), 60_000);
  const hasFailed = previews.error !== null && !isAbsent(previews.error);
  if (previews.items === undefined ? !hasFailed : previews.items.length === 0) return null;
  return (
    <Panel title="Previews that are not what their pull requests need">
      <ListTable
        list={previews}
        empty={null}
        label="Previews that are not what their pull requests need"
        columns={FAULT_COLUMNS}
        keyOf={({ stackId }) => stackId}
      />
    </Panel>
  );
}

const PROCESS_COLUMNS: readonly Column<YardProcess>[] = [
  { header: "State", cell: (process) => <ProcessMark process={process} /> },
  { header: "Roles", cell: ({ roles }) => roles.join(", ") },
  { header: "Host", cell: ({ host, pid }) => <Text>{pid === undefined ? host : `${host} (${pid})`}</Text> },
  { header: "Version", cell: ({ version }) => <Text>{version}</Text> },
  {
    header: "Running / capacity",
    number: true,
    cell: ({ roles, running, capacity }) =>
      roles.includes("worker") ? (
        <span className="yard-load">
          <meter aria-hidden="true" min={0} max={Math.max(capacity, 1)} value={running} />
          {`${running} / ${capacity}`}
        </span>
      ) : (
        "–"
      ),
  },
  { header: "Executors", cell: ({ executors }) => <Text>{executors.join(", ")}</Text> },
  { header: "Heartbeat", cell: ({ seenAt }) => <Ago at={seenAt} /> },
  { header: "Started", cell: ({ startedAt }) => <Ago at={startedAt} /> },
];

function ProcessMark({ process: { gone, aheadMs, draining, running, capacity, roles } }: { process: YardProcess }) {
  if (gone) return <Mark status="failed" word="Gone" />;
  if (aheadMs !== undefined) return <Mark status="failed" word={`Clock ${formatDuration(aheadMs)} ahead`} />;
  if (draining) return <Mark status="retrying" word="Draining" />;
  const isFull = roles.includes("worker") && running >= capacity;
  return isFull ? <Mark status="queued" word="Full" /> : <Mark status="quiet" word="Alive" />;
}

function Processes() {
  const processes = usePages(keys.list("processes"), (part) => yard.processes.list(part), 1_000);
  return (
    <Panel title="Servers and workers" actions={processes.items && <Room processes={processes.items} />}>
      <ListTable
        list={processes}
        empty={<Empty command="stackyard worker">No server and no worker has reported a heartbeat.</Empty>}
        label="Servers and workers"
        columns={PROCESS_COLUMNS}
        keyOf={({ id }) => id}
      />
    </Panel>
  );
}

function Room({ processes }: { processes: readonly YardProcess[] }) {
  const workers = processes.filter(({ roles, gone }) => roles.includes("worker") && !gone);
  if (workers.length === 0) return <Mark status="failed" word="No worker: tasks stay queued" />;
  const free = workers.reduce((sum, { capacity, running, draining }) => sum + (draining ? 0 : capacity - running), 0);
  return (
    <span className="muted">
      {workers.length} {workers.length === 1 ? "worker" : "workers"}, room for {free} more{" "}
      {free === 1 ? "task" : "tasks"}
    </span>
  );
}

const ATTEMPT_COLUMNS: readonly Column<OpenAttempt>[] = [
  { header: "Stack", cell: ({ stackId }) => <StackLink id={stackId} /> },
  { header: "Task", cell: ({ task }) => <Text>{task}</Text> },
];

const UNCLAIMED_COLUMNS: readonly Column<OpenAttempt>[] = [
  ...ATTEMPT_COLUMNS,
  { header: "Executor", cell: ({ executor }) => <Text>{executor ?? "–"}</Text> },
  { header: "Since", cell: ({ dispatchedAt }) => <Ago at={dispatchedAt} /> },
];

const QUEUED_COLUMNS: readonly Column<OpenAttempt>[] = [
  ...ATTEMPT_COLUMNS,
  { header: "Key", cell: ({ queuedFor }) => <Text>{queuedFor?.key ?? "–"}</Text> },
  { header: "Place", number: true, cell: ({ queuedFor }) => queuedFor?.place ?? "–" },
  {
    header: "Held by",
    cell: ({ queuedFor }) => (queuedFor === undefined ? "–" : <StackLink id={toStackId(queuedFor.holder)} />),
  },
];

const OPEN_COLUMNS: readonly Column<OpenAttempt>[] = [
  ...ATTEMPT_COLUMNS,
  { header: "Executor", cell: ({ executor }) => <Text>{executor ?? "–"}</Text> },
  { header: "Sent", cell: ({ dispatchedAt }) => <Ago at={dispatchedAt} /> },
  { header: "Ends at the latest", cell: ({ deadlineAt }) => <Ago at={deadlineAt} /> },
];

const ATTEMPT_LOOKS: Readonly<Record<OpenAttempt["status"], readonly [Status, string]>> = {
  unclaimed: ["queued", "Waits for a worker"],
  queued: ["queued", "Waits for a key"],
  running: ["running", "On a worker"],
  suspended: ["running", "Runs elsewhere"],
  settled: ["succeeded", "Ended"],
};

/** Renders every attempt that has not ended, by where it is: those that the figure above counts. */
function OpenAttempts() {
  const attempts = usePages(keys.list("attempts", {}), (part) => yard.attempts.list({}, part));
  return (
    <Panel title="Open attempts">
      <Listed list={attempts} empty={<Empty>No attempt is open.</Empty>}>
        {(items) =>
          [...Map.groupBy(items, ({ status }) => status)].map(([status, rows]) => {
            const [look, word] = ATTEMPT_LOOKS[status] ?? ["running", status];
            return (
              <Fragment key={status}>
                <h3 className="panel-part">
                  <Mark status={look} word={word} />{" "}
                  {attempts.loadMore === undefined && <span className="muted">{formatCount(rows.length)}</span>}
                </h3>
                <Table
                  label={`Open attempts: ${word}`}
                  height={480}
                  rows={rows}
                  keyOf={({ attemptId }) => attemptId}
                  columns={OPEN_COLUMNS}
                />
              </Fragment>
            );
          })
        }
      </Listed>
    </Panel>
  );
}

interface QueuedProps {
  readonly status: "unclaimed" | "queued";
  /** The thing for which the attempts wait. */
  readonly what: string;
  readonly columns: readonly Column<OpenAttempt>[];
}

/** Renders the attempts that wait for room. Nothing while none does: the figures say so. */
function QueuedAttempts({ status, what, columns }: QueuedProps) {
  const attempts = usePages(keys.list("attempts", { status }), (part) => yard.attempts.list({ status }, part));
  const hasFailed = attempts.error !== null && !isAbsent(attempts.error);
  if (attempts.items === undefined ? !hasFailed : attempts.items.length === 0) return null;
  return (
    <Panel title={`Waits for ${what}`}>
      <ListTable
        list={attempts}
        empty={null}
        label={`Attempts that wait for ${what}`}
        height={320}
        keyOf={({ attemptId }) => attemptId}
        columns={columns}
      />
    </Panel>
  );
}
