import { cutText } from "@stackyard/core";
import type { StackDetails } from "@stackyard/sdk";
import { useState } from "react";
import { toTaskStatus } from "../api/status.ts";
import { useRetry } from "../app/use-operation.tsx";
import { Button } from "../design/button.tsx";
import { To } from "../design/links.tsx";
import { Mark, wordOf } from "../design/mark.tsx";
import { Panel } from "../design/page.tsx";
import { Commands, Sentence } from "../design/sentence.tsx";
import { Ago, Text } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { CancelDialog } from "./actions/task-dialogs.tsx";
import { useOperateRefusal } from "./refusals.ts";
import { type StackProps, type StackSource, toLogAddress } from "./source.ts";

type Task = StackDetails["tasks"][number];

interface PanelProps extends StackProps {
  readonly tasks: readonly Task[];
}

/**
 * Renders tasks of the present state: each one's status, attempt and deadline, why it is open, and what can be done about it. The
 * error of a failed one is shown above.
 */
export function TasksPanel({ source, stack, tasks }: PanelProps) {
  const refusal = useOperateRefusal(source, stack, "operate");
  const { retry, notice } = useRetry(stack);
  const [cancelled, setCancelled] = useState<string>();
  return (
    <Panel title="Tasks">
      <ul className="task-list">
        {tasks.map((task) => (
          <li key={task.name} data-row={task.name} className="task">
            <Mark status={toTaskStatus(task)} word={`${wordOf(toTaskStatus(task))}:`} bare />
            <div className="task-text">
              <p className="row">
                <b>
                  <Text>{task.name}</Text>
                </b>
                <AttemptFacts attempt={task.attempt} />
              </p>
              {task.status === "PENDING" && <Why task={task} said={stack.summary} parts={stack.parts} />}
            </div>
            <div className="row task-actions">
              <LogLink source={source} task={task} />
              {source.refusal === undefined && (
                <>
                  {task.status === "ERROR" && (
                    <Button
                      look="plain"
                      label={`Retry ${task.name}`}
                      refusal={refusal}
                      onPress={() => retry(task.name)}
                    >
                      Retry
                    </Button>
                  )}
                  {task.status === "PENDING" && (
                    <Button
                      look="plain"
                      label={`Cancel ${task.name}…`}
                      refusal={refusal}
                      idle={findCancelRefusal(task)}
                      onPress={() => setCancelled(task.name)}
                    >
                      Cancel…
                    </Button>
                  )}
                </>
              )}
            </div>
          </li>
        ))}
      </ul>
      {notice}
      {cancelled !== undefined && (
        <CancelDialog stack={stack} task={cancelled} refusal={refusal} onClose={() => setCancelled(undefined)} />
      )}
    </Panel>
  );
}

/** Returns why a task cannot be cancelled. */
export function findCancelRefusal({ status, attempt }: Task): string | undefined {
  if (status !== "PENDING") return "Task is not running";
  return attempt?.cancelling === undefined ? undefined : "A cancel is on its way";
}

const SHOWN_CHARACTERS = 300;

interface WhyProps {
  readonly task: Task;
  /** What the head of the page says already, with its commands. */
  readonly said: string;
  readonly parts: StackDetails["parts"];
}

function Why({ task, said, parts }: WhyProps) {
  const { name, why, attempt } = task;
  const [whole, setWhole] = useState(false);
  // What it does, and how far it is, is a clause of the head.
  if (toTaskStatus(task) === "running" && !why.includes("`") && parts.some(({ names }) => names.includes(name)))
    return null;
  const short = dropColors(why);
  const long = short.length > SHOWN_CHARACTERS;
  const progress = attempt?.status === "settled" ? undefined : attempt?.progressMessage;
  return (
    <div className="why">
      <span>
        <Sentence text={whole ? short : cutText(short, SHOWN_CHARACTERS)} />
      </span>
      {long && !whole && (
        <Button look="plain" onPress={() => setWhole(true)}>
          Show more
        </Button>
      )}
      <Commands text={why} except={said} />
      {progress !== undefined && !why.includes(progress) && (
        <span className="muted">
          <Text>{dropColors(progress)}</Text>
        </span>
      )}
    </div>
  );
}

function AttemptFacts({ attempt }: { attempt: Task["attempt"] }) {
  if (attempt === undefined) return null;
  return (
    <span className="muted">
      attempt {attempt.attempt}, sent <Ago at={attempt.dispatchedAt} />
      {attempt.status !== "settled" && (
        <>
          , ends <Ago at={attempt.deadlineAt} /> at the latest
        </>
      )}
    </span>
  );
}

function LogLink({ source, task: { attempt } }: { source: StackSource; task: Task }) {
  if (attempt === undefined) return null;
  const { path, search } = toLogAddress(source, attempt.attemptId);
  return (
    <To path={path} search={search} className="button plain">
      Log
    </To>
  );
}
