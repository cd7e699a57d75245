import { useEffect, useMemo, useState } from "react";
import { Button } from "../design/button.tsx";
import { toHistoryColumns } from "../design/history-columns.tsx";
import { IconButton } from "../design/icon-button.tsx";
import { FailureNotice, Skeleton } from "../design/page.tsx";
import { saveFile } from "../design/save-file.ts";
import { type Column, Table } from "../design/table.tsx";
import { ActionsHeading } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { machineClient } from "../machine/machine-client.ts";
import type { MachineText, Simulated } from "../machine/messages.ts";
import type { Outline } from "../machine/outline.ts";
import { parseScenario, toScenarioText } from "./scenario.ts";
import { type SimulatedLine, toSimulatedHistory } from "./simulated-history.ts";
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
  const { played, failure, retry } = usePlayed({ machine, second, steps, onPlayed });
  const { name } = machine;
  const add = (step: unknown) => {
    if (steps.length < MAX_STEPS) setSteps([...steps, step]);
  };
  return (
    <div className="panel-body stack-v">
      <div className="row spread">
        {failure === undefined && <Coverage played={played} />}
        <ScenarioButtons steps={steps} setSteps={setSteps} name={name} />
      </div>
      {failure !== undefined && <FailureNotice error={failure} onRetry={retry} />}
      <StepForms
        machine={name}
        outline={outline}
        line={played?.lines.at(-1)}
        next={played?.next}
        isPlayed={played !== undefined}
        second={second}
        onStep={add}
      />
      {steps.length === 0 ? (
        <p className="muted">No steps yet. Send an event to create a stack in INIT.</p>
      ) : (
        played !== undefined && <StepTable steps={steps} setSteps={setSteps} played={played} />
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
  const [failure, setFailure] = useState<Error>();
  const [tries, setTries] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another try plays the same steps
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
        if (!over) setFailure(error);
      },
    );
    return () => {
      over = true;
    };
  }, [name, text, second, steps, onPlayed, tries]);
  return { played, failure, retry: () => setTries((count) => count + 1) };
}

interface TableProps {
  readonly steps: readonly unknown[];
  readonly setSteps: (steps: readonly unknown[]) => void;
  readonly played: Simulated;
}

/** Renders the steps as the history of a stack is listed; each can be changed, copied and deleted. */
function StepTable({ steps, setSteps, played }: TableProps) {
  const [editing, setEditing] = useState<number>();
  const lines = useMemo(() => toSimulatedHistory(steps, played), [steps, played]);
  const replace = (index: number, step: unknown) => {
    setSteps(steps.map((each, at) => (at === index ? step : each)));
    setEditing(undefined);
  };
  const columns: Column<SimulatedLine>[] = [
    { header: "Step", cell: ({ step }) => (step === undefined ? "" : step + 1), number: true },
    ...toHistoryColumns<SimulatedLine>(lines, ({ step }) => setEditing(step)),
    {
      id: "actions",
      header: <ActionsHeading />,
      cell: ({ step }) =>
        step !== undefined && <StepActions step={step} steps={steps} setSteps={setSteps} onEdit={setEditing} />,
    },
  ];
  return (
    <>
      <Table label="Steps" columns={columns} rows={lines} keyOf={({ key }) => key} />
      {editing !== undefined && editing < steps.length && (
        <StepEditor
          key={editing}
          title={`Step ${editing + 1} as JSON`}
          step={steps[editing]}
          onDone={(edited) => replace(editing, edited)}
          onClose={() => setEditing(undefined)}
        />
      )}
    </>
  );
}

interface ActionsProps extends Omit<TableProps, "played"> {
  readonly step: number;
  readonly onEdit: (step: number) => void;
}

function StepActions({ step, steps, setSteps, onEdit }: ActionsProps) {
  return (
    <span className="nowrap">
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

function Coverage({ played }: { played: Simulated | undefined }) {
  if (played === undefined) return <Skeleton height={20} />;
  return (
    <span role="status">
      {played.tried} of {played.total} reactions tried · clock {played.now.slice(0, 19).replace("T", " ")} UTC
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
