import { toFailure } from "../api/client.ts";
import { JOB_MACHINE, toTaskStatus } from "../api/status.ts";
import { useLoad } from "../api/use-load.ts";
import { Empty, ErrorNotice, Panel, Skeleton } from "../design/page.tsx";
import { GraphPanel } from "../graph/graph-panel.tsx";
import { FailureNotices } from "./failure-notice.tsx";
import type { StackProps } from "./source.ts";
import { TasksPanel } from "./tasks-panel.tsx";
import { ApprovalsPanel, KeysPanel, ParkedPanel, TimersPanel } from "./waiting-panels.tsx";

/** Renders the present state of a stack: its failures first, tasks, what it waits for, and its place in its machine. */
export function NowTab({ source, stack }: StackProps) {
  return (
    <>
      <FailureNotices source={source} stack={stack} />
      <div className="columns">
        <div className="stack-v">
          <TasksPanel source={source} stack={stack} />
          <ApprovalsPanel stack={stack} />
          <ParkedPanel stack={stack} />
          <TimersPanel stack={stack} />
          <KeysPanel stack={stack} />
        </div>
        <div className="stack-v">
          <StackGraph source={source} stack={stack} />
        </div>
      </div>
    </>
  );
}

/** Renders the machine's graph with the stack's place in it. */
export function StackGraph({ source, stack }: StackProps) {
  if (stack.machine !== JOB_MACHINE) return <MachineGraph source={source} stack={stack} />;
  return (
    <Panel title="Graph">
      <Empty>A job has no machine: it is one task.</Empty>
    </Panel>
  );
}

function MachineGraph({ source, stack: { machine, machineHash, state, tasks } }: StackProps) {
  // The graph of a machine changes with its revisions only.
  const query = useLoad(
    source.path === "/stack" ? ["machine", machine, "graph", machineHash] : source.key("graph"),
    ({ signal }) => source.loadGraph(machine, signal),
  );
  if (query.data !== undefined) {
    return (
      <GraphPanel
        graph={query.data}
        label={`Graph of ${machine}`}
        states={{ [state]: { current: true } }}
        tasks={Object.fromEntries(tasks.map((task) => [task.name, toTaskStatus(task)]))}
      />
    );
  }
  return (
    <Panel title="Graph">
      {query.error === null && <Skeleton height={240} />}
      {query.error !== null && source.refusal === undefined && (
        <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.error !== null && source.refusal !== undefined && <Empty>{toFailure(query.error).detail}</Empty>}
    </Panel>
  );
}
