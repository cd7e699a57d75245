import { useMemo, useState } from "react";
import { toOutcomeStatus } from "../api/status.ts";
import { Button } from "../design/button.tsx";
import { IconButton } from "../design/icon-button.tsx";
import { Mark } from "../design/mark.tsx";
import { Arrow, Text } from "../design/text.tsx";
import { toClock } from "./clock.ts";
import { type SimulatedLine, toSimulatedHistory } from "./simulated-history.ts";
import type { Simulation } from "./use-simulation.ts";

/** Renders the steps of a scenario with their instants and what they did; each can be changed, copied and deleted. */
export function SimulatedSteps({ simulation }: { simulation: Simulation }) {
  const { steps, setSteps, played } = simulation;
  const [editing, setEditing] = useState<number>();
  const lines = useMemo(() => (played === undefined ? [] : toSimulatedHistory(steps, played)), [steps, played]);
  const replace = (index: number, step: unknown) => {
    setSteps(steps.map((each, at) => (at === index ? step : each)));
    setEditing(undefined);
  };
  return (
    <ol className="simulated-steps" aria-label="Steps">
      {lines.map((line, index) => (
        <li key={line.key} aria-current={index === lines.length - 1 ? "step" : undefined}>
          <time dateTime={line.at} title={line.at}>
            {toClock(Date.parse(line.at) - Date.parse(played?.start ?? line.at))}
          </time>
          <div>
            <StepText line={line} />
            {line.step !== undefined && line.step === editing && (
              <StepEditor
                title={`Step ${line.step + 1} as JSON`}
                step={steps[line.step]}
                onDone={(edited) => replace(editing, edited)}
                onClose={() => setEditing(undefined)}
              />
            )}
          </div>
          {line.step !== undefined && (
            <StepActions step={line.step} steps={steps} setSteps={setSteps} onEdit={setEditing} />
          )}
        </li>
      ))}
    </ol>
  );
}

const RESULTS: Readonly<Record<string, string>> = {
  TASK_COMPLETED: "succeeded",
  TASK_ERROR: "failed",
  TASK_CANCELLED: "was cancelled",
};

function StepText({ line }: { line: SimulatedLine }) {
  const { event, task, outcome, from, to, code, reason, description, actor } = line;
  const result = RESULTS[event];
  const title = task !== undefined && result !== undefined ? `${task} ${result}` : event;
  const more = [result === undefined ? task : undefined, description, [code, reason].filter(Boolean).join(": "), actor];
  const isDone = outcome === "applied" || outcome === "removed";
  return (
    <>
      <b>
        {!isDone && <Mark status={toOutcomeStatus(outcome)} word={`${outcome}:`} bare />} <Text>{title}</Text>
      </b>
      <span className="muted">
        {from !== to && from !== undefined && (
          <>
            <Text>{from}</Text> <Arrow />{" "}
          </>
        )}
        <Text>{[to, ...more].filter(Boolean).join("; ")}</Text>
      </span>
    </>
  );
}

interface ActionsProps extends Pick<Simulation, "steps" | "setSteps"> {
  readonly step: number;
  readonly onEdit: (step: number) => void;
}

function StepActions({ step, steps, setSteps, onEdit }: ActionsProps) {
  return (
    <span className="step-actions">
      <IconButton icon="edit" label={`Edit step ${step + 1}`} onPress={() => onEdit(step)} />
      <IconButton
        icon="copy"
        label={`Insert a copy of step ${step + 1} after it`}
        onPress={() => setSteps([...steps.slice(0, step + 1), steps[step], ...steps.slice(step + 1)])}
      />
      <IconButton
        icon="remove"
        label={`Delete step ${step + 1}`}
        onPress={() => setSteps(steps.filter((_, at) => at !== step))}
      />
    </span>
  );
}

interface StepEditorProps {
  readonly title: string;
  readonly step: unknown;
  readonly onDone: (step: unknown) => void;
  readonly onClose: () => void;
}

function StepEditor({ title, step, onDone, onClose }: StepEditorProps) {
  const [text, setText] = useState(() => JSON.stringify(step, undefined, 2));
  const problem = useMemo(() => {
    try {
      JSON.parse(text);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : "Not JSON";
    }
  }, [text]);
  return (
    <div className="field">
      <textarea
        className="mono"
        aria-label={title}
        rows={5}
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
      <div className="row">
        <Button refusal={problem} onPress={() => onDone(JSON.parse(text))}>
          Apply
        </Button>
        <Button onPress={onClose}>Close</Button>
      </div>
    </div>
  );
}
