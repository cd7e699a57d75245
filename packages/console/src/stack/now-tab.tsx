import { isAtRest } from "./at-rest.ts";
import { AttemptTimeline } from "./attempts/attempt-timeline.tsx";
import { ChangesPanel } from "./changes-panel.tsx";
import { FailureNotices, hasFailure } from "./failure-notice.tsx";
import { NextPanel } from "./next-panel.tsx";
import { RecentPanel } from "./recent-panel.tsx";
import type { StackProps } from "./source.ts";
import { StackGraph } from "./stack-graph.tsx";
import { TasksPanel } from "./tasks-panel.tsx";
import { chooseTasks } from "./tasks-shown.ts";
import { ApprovalsPanel, KeysPanel, ParkedPanel } from "./waiting-panels.tsx";

/** Renders the present state of a stack: its failures first, its place in its machine, tasks, and what it waits for. */
export function NowTab({ source, stack }: StackProps) {
  if (isAtRest(stack)) return <AtRest source={source} stack={stack} />;
  const tasks = chooseTasks(stack, { isReadOnly: source.refusal !== undefined });
  const hasTasks = tasks.length > 0;
  return (
    <>
      <Failure source={source} stack={stack} />
      <StackGraph source={source} stack={stack} />
      <AttemptTimeline source={source} stack={stack} />
      <div className={hasTasks ? "columns" : "stack-v"}>
        {hasTasks && (
          <div className="stack-v">
            <TasksPanel source={source} stack={stack} tasks={tasks} />
          </div>
        )}
        <div className="stack-v">
          <ApprovalsPanel stack={stack} />
          <ParkedPanel stack={stack} />
          <NextPanel source={source} stack={stack} />
          <KeysPanel stack={stack} />
        </div>
      </div>
    </>
  );
}

/** Renders what comes next for a stack that has nothing to do, next to what led here; then its place in its machine. */
function AtRest({ source, stack }: StackProps) {
  return (
    <>
      <div className="columns even">
        <NextPanel source={source} stack={stack} />
        <RecentPanel source={source} />
      </div>
      <StackGraph source={source} stack={stack} />
      <KeysPanel stack={stack} />
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
