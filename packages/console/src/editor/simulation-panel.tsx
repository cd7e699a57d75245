import type { SimulationLine } from "@stackyard/core/machine";
import { useEffect, useMemo, useState } from "react";
import { Button } from "../design/button.tsx";
import { IconButton } from "../design/icon-button.tsx";
import { saveFile } from "../design/save-file.ts";
import { Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { machineClient } from "../machine/machine-client.ts";
import type { MachineText, Simulated } from "../machine/messages.ts";
import type { Outline } from "../machine/outline.ts";
import { Headings } from "./headings.tsx";
import { parseScenario, toScenarioText } from "./scenario.ts";
import { StepForms } from "./step-forms.tsx";

const MAX_STEPS = 500;

interface PanelProps {
  readonly machine: MachineText;
  readonly outline: Outline | undefined;
  /** A second revision, which a `load` step takes. */
  readonly second?: (MachineText & { readonly file: string }) | undefined;
  /** Steps to begin with, such as a stack of the yard. */
  readonly initial?: readonly unknown[] | undefined;
  /** Called with the simulation, for the graph. */
  readonly onPlayed: (played: Simulated | undefined) => void;
}

/** Renders a scenario that is replayed after every change of its steps or the machine. */
export function SimulationPanel({ machine, outline, second, initial, onPlayed }: PanelProps) {
  const [steps, setSteps] = useState<readonly unknown[]>(initial ?? []);
  const { played, failure } = usePlayed({ machine, second, steps, onPlayed });
  const { name } = machine;
  const add = (step: unknown) => {
    if (steps.length < MAX_STEPS) setSteps([...steps, step]);
  };
  return (
    <div className="panel-body stack-v">
      <div className="row spread">
        <Coverage played={played} />
        <ScenarioButtons steps={steps} setSteps={setSteps} name={name} />
      </div>
      {failure !== undefined && (
        <p className="notice fail" role="alert">
          {failure}
        </p>
      )}
      <StepForms
        machine={name}
        outline={outline}
        line={played?.lines.at(-1)}
        next={played?.next}
        second={second}
        onStep={add}
      />
      {steps.length === 0 ? (
        <p className="muted">No steps yet. Send an event to create a stack in INIT.</p>
      ) : (
        <StepTable steps={steps} setSteps={setSteps} lines={played?.lines ?? []} />
      )}
    </div>
  );
}

interface Playing extends Pick<PanelProps, "machine" | "second" | "onPlayed"> {
  readonly steps: readonly unknown[];
}

/** Returns what the steps did; what they did before they were changed stays until then. */
function usePlayed({ machine: { name, text }, second, steps, onPlayed }: Playing) {
  const [played, setPlayed] = useState<Simulated>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    let over = false;
    const revisions = second === undefined ? [] : [second];
    machineClient.run("simulate", { machines: [{ name, text }], revisions, steps }).then(
      (result) => {
        if (over) return;
        setPlayed(result);
        setFailure(undefined);
        onPlayed(result);
      },
      (error: Error) => {
        if (!over) setFailure(error.message);
      },
    );
    return () => {
      over = true;
    };
  }, [name, text, second, steps, onPlayed]);
  return { played, failure };
}

interface TableProps {
  readonly steps: readonly unknown[];
  readonly setSteps: (steps: readonly unknown[]) => void;
  /** What each step did, as far as they were played. */
  readonly lines: readonly SimulationLine[];
}

function StepTable({ steps, setSteps, lines }: TableProps) {
  const [editing, setEditing] = useState<number>();
  const replace = (index: number, step: unknown) => {
    setSteps(steps.map((each, at) => (at === index ? step : each)));
    setEditing(undefined);
  };
  return (
    <table className="steps">
      <Headings names={["Step", "What", "Outcome", "Stack after it"]} />
      <tbody>
        {steps.map((step, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place in the scenario
          <tr key={index}>
            <td>{index + 1}</td>
            <td>
              {editing === index ? (
                <StepEditor
                  step={step}
                  onDone={(edited) => replace(index, edited)}
                  onClose={() => setEditing(undefined)}
                />
              ) : (
                <Text mono>{JSON.stringify(step).slice(0, 200)}</Text>
              )}
            </td>
            <Line line={lines[index]} />
            <td className="nowrap">
              <IconButton icon="edit" label={`Edit step ${index + 1}`} onPress={() => setEditing(index)} />
              <IconButton
                icon="copy"
                label={`Insert a copy of step ${index + 1} after it`}
                onPress={() => setSteps([...steps.slice(0, index + 1), step, ...steps.slice(index + 1)])}
              />
              <IconButton
                icon="remove"
                label={`Delete step ${index + 1}`}
                onPress={() => setSteps(steps.filter((_, at) => at !== index))}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Coverage({ played }: { played: Simulated | undefined }) {
  if (played === undefined) return <span className="muted">Not played yet</span>;
  return (
    <span role="status">
      {played.tried.length} of {played.total} reactions tried · clock {played.now.slice(0, 19).replace("T", " ")} UTC
    </span>
  );
}

function Line({ line }: { line: SimulationLine | undefined }) {
  if (line === undefined) return <td colSpan={2} />;
  const { outcome, code, reason, stack, dispatched, cancelled, differences } = line;
  const { fired = [], raised = [], retried = [] } = line;
  const followed = [
    ...fired.map(({ timer, event, outcome: its }) => `${timer} ${event}: ${its}`),
    ...raised.map(({ event, outcome: its }) => `raised ${event}: ${its}`),
    ...retried.map(({ event, outcome: its }) => `parked ${event}: ${its}`),
  ];
  return (
    <>
      <td>
        <span className={outcome === "refused" ? "tone-fail" : outcome === "ignored" ? "tone-off" : "tone-ok"}>
          {outcome}
        </span>{" "}
        {code !== undefined && <Text mono>{code}</Text>}
        {reason !== undefined && (
          <div className="muted">
            <Text>{reason}</Text>
          </div>
        )}
        {followed.map((text, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: what followed has its order as its only identity
          <div key={index} className="muted">
            {text}
          </div>
        ))}
        {differences !== undefined && (
          <div>{differences.length === 0 ? "No differences" : `${differences.length} differences`}</div>
        )}
      </td>
      <td>
        {stack === null ? (
          <span className="muted">does not exist</span>
        ) : (
          <>
            <b>
              <Text>{stack.state}</Text>
            </b>{" "}
            {stack.tasks.map((task) => (
              <span key={task.name} className="nowrap">
                <Text>{task.name}</Text> <span className="muted">{task.detail ?? task.status}</span>{" "}
              </span>
            ))}
          </>
        )}
        {dispatched.length > 0 && <div className="muted">starts {dispatched.join(", ")}</div>}
        {cancelled.length > 0 && <div className="muted">cancels {cancelled.join(", ")}</div>}
      </td>
    </>
  );
}

interface StepEditorProps {
  readonly step: unknown;
  readonly onDone: (step: unknown) => void;
  readonly onClose: () => void;
}

function StepEditor({ step, onDone, onClose }: StepEditorProps) {
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
        aria-label="The step as JSON"
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

interface ButtonsProps {
  readonly steps: readonly unknown[];
  readonly setSteps: (steps: readonly unknown[]) => void;
  readonly name: string;
}

function ScenarioButtons({ steps, setSteps, name }: ButtonsProps) {
  const toast = useToast();
  const open = async (file: File | undefined) => {
    if (file === undefined) return;
    try {
      setSteps(parseScenario(await file.text()));
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), "fail");
    }
  };
  const none = steps.length === 0 ? "No steps yet" : undefined;
  return (
    <div className="row">
      <label className="button">
        Open scenario
        <input
          type="file"
          accept=".jsonl,.json"
          className="hidden-visually"
          onChange={({ target }) => void open(target.files?.[0])}
        />
      </label>
      <Button refusal={none} onPress={() => saveFile(new Blob([toScenarioText(steps)]), `${name}.jsonl`)}>
        Save scenario
      </Button>
      <Button refusal={none} onPress={() => setSteps(steps.slice(0, -1))}>
        Step back
      </Button>
      <Button refusal={none} onPress={() => setSteps([])}>
        Start over
      </Button>
    </div>
  );
}
