import { AttemptTimeline } from "./attempts/attempt-timeline.tsx";
import { ChangesPanel } from "./changes-panel.tsx";
import { FailureNotices, hasFailure } from "./failure-notice.tsx";
import type { StackProps } from "./source.ts";
import { StackGraph } from "./stack-graph.tsx";
import { TasksPanel } from "./tasks-panel.tsx";
import { ApprovalsPanel, KeysPanel, ParkedPanel, TimersPanel } from "./waiting-panels.tsx";

/** Renders the present state of a stack: its failures first, its place in its machine, tasks, and what it waits for. */
export function NowTab({ source, stack }: StackProps) {
  const isAtRest = stack.tasks.length === 0;
  return (
    <>
      <Failure source={source} stack={stack} />
      <StackGraph source={source} stack={stack} />
      <AttemptTimeline source={source} stack={stack} />
      <div className={isAtRest ? "stack-v" : "columns"}>
        {!isAtRest && (
          <div className="stack-v">
            <TasksPanel source={source} stack={stack} />
          </div>
        )}
        <div className="stack-v">
          <ApprovalsPanel stack={stack} />
          <ParkedPanel stack={stack} />
          <TimersPanel stack={stack} />
          <KeysPanel stack={stack} />
        </div>
      </div>
    </>
  );
}

/** Renders why it failed, next to what changed before. */
function Failure({ source, stack }: StackProps) {
  if (!hasFailure(stack)) return null;
  return (
    <div className="columns failure-columns">
      <FailureNotices source={source} stack={stack} />
      <ChangesPanel source={source} stack={stack} />
    </div>
  );
}
