import type { SimulationLine } from "@stackyard/core/machine";
import { Pill, type Status } from "../design/mark.tsx";
import { FailureNotice, Skeleton } from "../design/page.tsx";
import { StateName } from "../design/state-name.tsx";
import { Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import type { MachineText } from "../machine/messages.ts";
import type { Outline } from "../machine/outline.ts";
import type { MachineState } from "../machine/use-machine.ts";
import { parseScenario } from "./scenario.ts";
import { SimulatedSteps } from "./simulated-steps.tsx";
import { StepForms } from "./step-forms.tsx";
import type { Simulation } from "./use-simulation.ts";

interface PanelProps {
  readonly simulation: Simulation;
  readonly document: { readonly text: string; readonly machine: MachineState };
  /** The last valid text. */
  readonly valid: MachineText;
  readonly second: (MachineText & { readonly file: string }) | undefined;
}

/** Renders a scenario: the stack, its steps, and what can happen next. */
export function SimulationPanel({ simulation, document, valid, second }: PanelProps) {
  const { steps, setSteps, played, failure, retry } = simulation;
  const { machine } = document;
  const outline = machine.valid?.outline;
  if (valid.text === "" || outline === undefined) return <NothingToSimulate {...document} />;
  const stack = played?.lines.at(-1)?.stack ?? undefined;
  return (
    <div className="simulation">
      <header className="row spread">
        <StackHead stack={stack} />
        <OpenScenario onOpen={setSteps} />
      </header>
      {failure !== undefined && <FailureNotice error={failure} onRetry={retry} />}
      {steps.length === 0 ? (
        <p className="muted">No steps yet. An event creates a stack in INIT.</p>
      ) : played === undefined && failure === undefined ? (
        <Skeleton height={80} />
      ) : (
        <SimulatedSteps simulation={simulation} />
      )}
      {played === undefined ? (
        failure === undefined && <Skeleton height={80} />
      ) : (
        <StepForms
          machine={valid.name}
          outline={outline}
          stack={stack}
          simulation={simulation}
          played={played}
          second={second}
        />
      )}
      {stack !== undefined && <Metadata outline={outline} stack={stack} />}
    </div>
  );
}

type Stack = NonNullable<SimulationLine["stack"]>;

function StackHead({ stack }: { stack: Stack | undefined }) {
  if (stack === undefined) return <h2>A new stack</h2>;
  return (
    <div className="row">
      <div>
        <span className="muted small">Stack</span>
        <h2>
          <Text>{stack.id}</Text>
        </h2>
      </div>
      <Pill status={toCondition(stack)} />
      <StateName state={stack.state} />
    </div>
  );
}

/** Returns the condition of a simulated stack: the first that is true. */
function toCondition({ failed, overdue, stalled, approvals, tasks }: Stack): Status {
  if (failed) return "failed";
  if (overdue) return "overdue";
  if (stalled) return "stalled";
  if (approvals !== undefined && approvals.length > 0) return "approval";
  return tasks.some(({ status }) => status === "PENDING") ? "busy" : "healthy";
}

function Metadata({ outline, stack: { metadata } }: { outline: Outline; stack: Stack }) {
  const names = [...new Set([...outline.metadata.map(({ name }) => name), ...Object.keys(metadata)])];
  if (names.length === 0) return null;
  return (
    <details open>
      <summary>Metadata</summary>
      <dl className="simulated-metadata">
        {names.map((name) => {
          const value = metadata[name];
          return (
            <div key={name}>
              <dt>
                <Text>{name}</Text>
              </dt>
              <dd>
                {value === undefined ? (
                  <span className="muted">not set yet</span>
                ) : (
                  <Text>{typeof value === "string" ? value : JSON.stringify(value)}</Text>
                )}
              </dd>
            </div>
          );
        })}
      </dl>
    </details>
  );
}

/** Renders why nothing can be simulated: it is not known yet, could not be read, or has errors. */
function NothingToSimulate({ machine, text }: PanelProps["document"]) {
  if (machine.failure !== undefined) return <FailureNotice error={machine.failure} onRetry={machine.retry} />;
  if (machine.text !== text) return <Skeleton height={120} />;
  return <p className="notice muted">A machine without errors can be simulated.</p>;
}

function OpenScenario({ onOpen }: { onOpen: (steps: readonly unknown[]) => void }) {
  const toast = useToast();
  const open = async (file: File | undefined) => {
    if (file === undefined) return;
    try {
      onOpen(parseScenario(await file.text()));
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), "fail");
    }
  };
  return (
    <label className="button plain">
      Open scenario
      <input
        type="file"
        accept=".jsonl,.json"
        className="hidden-visually"
        onChange={({ target }) => void open(target.files?.[0])}
      />
    </label>
  );
}
