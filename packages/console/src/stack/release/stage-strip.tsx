import type { Attempt, Deploy, HistoryEntry } from "@stackyard/sdk";
import { useMemo } from "react";
import { yard } from "../../api/client.ts";
import { keys } from "../../api/keys.ts";
import { useLoad } from "../../api/use-load.ts";
import { TextLink } from "../../design/links.tsx";
import { Mark, toneOf } from "../../design/mark.tsx";
import { MissingNotice } from "../../design/page.tsx";
import { isPlanDigest } from "../../design/release/plan-digest.ts";
import { Ago, Day, Text } from "../../design/text.tsx";
import { formatDuration } from "../../text/durations.ts";
import { type StackProps, toLogAddress } from "../source.ts";
import { findPlanner, formatPlanNote, listObserved } from "./observed-notes.ts";
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
  const observed = useObserved({ stack, attempts, entries, plan });
  // The keys are those of the graph below: no request is sent twice.
  const graph = useLoad(["machine", machine, "graph", machineHash], ({ signal }) => source.loadGraph(machine, signal));
  if (graph.data === undefined) return <MissingNotice query={graph} />;
  const stages = toStages({ graph: graph.data, stack, attempts, deploys, entries, observed });
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

/** Returns notes about attempts: what gates have observed, and what the plan moves, once it is loaded. */
function useObserved({ stack, attempts, entries, plan }: Omit<StageStripProps, "deploys" | "source">) {
  const planner = findPlanner(attempts, entries, plan)?.attemptId;
  const planned = useLoad(
    keys.count("plan", { release: stack.id, plan }),
    (request) => yard.deploys.plan(stack.id, plan ?? "", request),
    { enabled: planner !== undefined && isPlanDigest(plan) },
  );
  return useMemo(() => {
    const notes = new Map(listObserved(attempts, entries));
    if (planner !== undefined && planned.data !== undefined) notes.set(planner, formatPlanNote(planned.data));
    return notes;
  }, [attempts, entries, planner, planned.data]);
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
