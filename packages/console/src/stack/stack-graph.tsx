import type { HistoryEntry, MachineGraph, StackDetails } from "@stackyard/sdk";
import { useMemo, useState } from "react";
import { toFailure } from "../api/client.ts";
import { JOB_MACHINE, toStackStatus, toTaskStatus } from "../api/status.ts";
import { itemsOf } from "../api/use-load.ts";
import { Button } from "../design/button.tsx";
import { Empty, ErrorNotice, MissingNotice, Panel, Skeleton } from "../design/page.tsx";
import { useNow } from "../design/text.tsx";
import { useMedia } from "../design/use-media.ts";
import type { StateBadge, TaskBadge } from "../graph/graph-drawing.tsx";
import { GraphPanel } from "../graph/graph-panel.tsx";
import { countTaken, type Taken, toTimes } from "../graph/taken.ts";
import { formatDuration } from "../text/durations.ts";
import { toPath } from "./path-steps.ts";
import type { StackProps } from "./source.ts";
import { StackPath } from "./stack-path.tsx";
import { useGraph } from "./use-graph.ts";
import { useNewestHistory } from "./use-newest-history.ts";

/** Renders the machine's graph with the stack's place in it, and the ways that the stack took. */
export function StackGraph({ source, stack }: StackProps) {
  if (stack.machine !== JOB_MACHINE) return <MachineGraphOfStack source={source} stack={stack} />;
  return (
    <Panel title="Graph">
      <Empty>A job has no machine: it is one task.</Empty>
    </Panel>
  );
}

function MachineGraphOfStack({ source, stack }: StackProps) {
  const query = useGraph({ source, stack });
  const history = useNewestHistory(source);
  if (query.data !== undefined) {
    return (
      <>
        <GraphOfStack graph={query.data} stack={stack} entries={itemsOf(history)} />
        <MissingNotice query={history} />
      </>
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

interface GraphProps {
  readonly graph: MachineGraph;
  readonly stack: StackDetails;
  /** The newest lines of its history; empty until they are loaded. */
  readonly entries: readonly HistoryEntry[];
}

function GraphOfStack({ graph, stack, entries }: GraphProps) {
  const now = useNow(10_000);
  const taken = useMemo(() => countTaken(graph, entries), [graph, entries]);
  const isPhone = useMedia("(max-width: 719px)");
  const [isDrawn, setDrawn] = useState(false);
  const states = toStateBadges(stack, taken, now);
  const tasks = Object.fromEntries(stack.tasks.map((task) => [task.name, toTaskBadge(task, now)]));
  if (!isPhone || isDrawn) {
    return <GraphPanel graph={graph} label={`Graph of ${stack.machine}`} taken={taken} states={states} tasks={tasks} />;
  }
  const steps = toPath({ graph, state: stack.state, entries });
  return (
    <Panel
      title="Path"
      actions={
        <Button look="plain" onPress={() => setDrawn(true)}>
          Graph
        </Button>
      }
    >
      <StackPath label={`Path through ${stack.machine}`} steps={steps} states={states} tasks={tasks} />
    </Panel>
  );
}

/** Returns the present state with its condition and since when, and how often each other one was entered. */
export function toStateBadges(stack: StackDetails, { states }: Taken, now: number): Record<string, StateBadge> {
  const entered = [...states].map(([name, count]): [string, StateBadge] => [name, { note: toTimes(count) }]);
  const status = toStackStatus(stack);
  const since = `for ${formatDuration(now - Date.parse(stack.enteredAt))}`;
  return Object.fromEntries([...entered, [stack.state, { current: true, status, note: since }]]);
}

/** Returns a task's status, and which attempt runs, or that it waits. */
export function toTaskBadge(task: StackDetails["tasks"][number], now: number): TaskBadge {
  const status = toTaskStatus(task);
  const { attempt } = task;
  if (attempt === undefined) return { status };
  const running = attempt.status !== "settled";
  const time = running ? ` ${formatDuration(now - Date.parse(attempt.dispatchedAt))}` : "";
  const note = attempt.attempt > 1 || status === "failed" ? `attempt ${attempt.attempt}` : time.trim();
  return note === "" ? { status } : { status, note };
}
