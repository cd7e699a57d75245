import type { Attempt, Deploy, HistoryEntry } from "@stackyard/sdk";
import { useMemo } from "react";
import { yard } from "../../api/client.ts";
import { keys } from "../../api/keys.ts";
import { useLoad } from "../../api/use-load.ts";
import { TextLink } from "../../design/links.tsx";
import { Mark, toneOf } from "../../design/mark.tsx";
import { isPlanDigest } from "../../design/release/plan-digest.ts";
import { Ago, Day, Text, useNow } from "../../design/text.tsx";
import { formatDuration } from "../../text/durations.ts";
import { type StackProps, type StackSource, toLogAddress } from "../source.ts";
import { findObserved, listOpened, toPlanNote } from "./observed-notes.ts";
import { type Stage, type StageTask, toStages } from "./stages.ts";
import "./stage-strip.css";

interface StageStripProps extends StackProps {
  readonly attempts: readonly Attempt[];
  readonly deploys: readonly Deploy[];
  /** The newest lines of its history. */
  readonly entries: readonly HistoryEntry[];
  /** The digest of the plan that it follows. */
  readonly plan: string | undefined;
}

/** Renders the stages of a release in their order: how each stands, its tasks, and what holds them. */
export function StageStrip({ source, stack, attempts, deploys, entries, plan }: StageStripProps) {
  const { machine, machineHash } = stack;
  const observed = useObserved({ source, stack, attempts, deploys, plan });
  // The keys are those of the graph below: no request is sent twice.
  const graph = useLoad(["machine", machine, "graph", machineHash], ({ signal }) => source.loadGraph(machine, signal));
  const now = useNow(10_000);
  if (graph.data === undefined) return null;
  const stages = toStages({ graph: graph.data, stack, attempts, deploys, entries, now, observed });
  if (stages.length === 0) return null;
  return (
    <section className="panel stages" aria-label="Stages">
      <h2 className="hidden-visually">Stages</h2>
      <ol>
        {stages.map((stage) => (
          <li
            key={stage.name}
            className={`stage tone-${toneOf(stage.status)}`}
            aria-current={stage.isCurrent ? "step" : undefined}
          >
            <StageCard stage={stage} toLog={(attemptId) => toLogAddress(source, attemptId)} />
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Loads what attempts have observed, once one of them may have: logs of opened gates do not change any more. */
function useObserved({ source, stack, attempts, deploys, plan }: Omit<StageStripProps, "entries">) {
  const opened = listOpened(attempts);
  const gates = useLoad(
    source.key("observed", { opened: opened.map(({ attemptId }) => attemptId) }),
    ({ signal }) => loadObserved(source, opened, signal),
    { enabled: opened.length > 0, staleTime: Number.POSITIVE_INFINITY },
  );
  const planned = useLoad(
    keys.count("plan", { release: stack.id, plan }),
    (request) => yard.deploys.plan(stack.id, plan ?? "", request),
    { enabled: opened.length > 0 && isPlanDigest(plan) },
  );
  return useMemo(() => {
    const notes = attempts.map((attempt) => [attempt.attemptId, toPlanNote(attempt, deploys, planned.data)] as const);
    return new Map([...(gates.data ?? []), ...notes].flatMap(([id, note]) => (note === undefined ? [] : [[id, note]])));
  }, [attempts, deploys, gates.data, planned.data]);
}

async function loadObserved(source: StackSource, opened: readonly Attempt[], signal: AbortSignal) {
  return Promise.all(
    opened.map(async ({ attemptId }) => {
      return [attemptId, findObserved(await source.loadLogTail(attemptId, signal))] as const;
    }),
  );
}

interface StageCardProps {
  readonly stage: Stage;
  readonly toLog: (attemptId: string) => ReturnType<typeof toLogAddress>;
}

function StageCard({ stage, toLog }: StageCardProps) {
  const { name, status, word, share, tasks } = stage;
  return (
    <>
      <span className="stage-line" aria-hidden="true">
        <span style={{ flexGrow: share }} />
      </span>
      <h3 className="stage-head">
        <span className="stage-name">
          <Text>{name}</Text>
        </span>
        <Mark status={status} word={word} />
      </h3>
      <StageTime stage={stage} />
      {stage.events !== undefined && stage.events.length > 0 && (
        <p className="stage-time">
          <Text>{`rests, ${stage.events.join(", ")} ${stage.events.length === 1 ? "is" : "are"} possible`}</Text>
        </p>
      )}
      {tasks.length > 0 && (
        <ul className="stage-tasks">
          {tasks.map((task) => (
            <li key={task.name} className="stage-task">
              <TaskLine task={task} toLog={toLog} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function StageTime({ stage: { from, to, isCurrent } }: Pick<StageCardProps, "stage">) {
  if (from === undefined) return null;
  return (
    <p className="stage-time">
      {isCurrent || to === undefined ? (
        <>
          for <Ago at={from} plain />
        </>
      ) : (
        formatDuration(Date.parse(to) - Date.parse(from))
      )}
    </p>
  );
}

function TaskLine({ task, toLog }: { readonly task: StageTask } & Pick<StageCardProps, "toLog">) {
  const { name, status, note, until, attemptId } = task;
  return (
    <>
      <Mark status={status} bare />
      {attemptId === undefined ? <Text>{name}</Text> : <TextLink {...toLog(attemptId)} className="name" text={name} />}
      <span className="stage-note">
        <Text>{note}</Text> {until !== undefined && <Day at={until} />}
      </span>
    </>
  );
}
