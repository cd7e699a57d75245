import { useEffect, useMemo, useState } from "react";
import { machineClient } from "../machine/machine-client.ts";
import type { MachineText, NextStep, Simulated } from "../machine/messages.ts";

const MAX_STEPS = 500;

/** The input that a step needs: how a task ends, or what an event brings. An event without a name is any. */
export type StepForm = NonNullable<NextStep["form"]>;

/** A scenario with what it does. */
export interface Simulation {
  readonly steps: readonly unknown[];
  readonly setSteps: (steps: readonly unknown[]) => void;
  readonly add: (...steps: readonly unknown[]) => void;
  /** The effect of the steps; that of earlier ones while changed ones are played. */
  readonly played: Simulated | undefined;
  readonly failure: Error | undefined;
  readonly retry: () => void;
  /** Takes an arrow of the graph, or opens the form for its input. */
  readonly takeEdge: (index: number) => void;
  /** The arrows that can be taken now. */
  readonly possible: ReadonlySet<number>;
  readonly form: StepForm | undefined;
  readonly setForm: (form: StepForm | undefined) => void;
}

interface SimulationInput {
  readonly machine: MachineText;
  /** A second revision, which a `load` step takes. */
  readonly second: (MachineText & { readonly file: string }) | undefined;
  /** Steps to begin with, such as a stack of the yard. */
  readonly initial: readonly unknown[] | undefined;
  readonly isShown: boolean;
  /** Called with the simulation, for the graph. */
  readonly onPlayed: (played: Simulated | undefined) => void;
}

/** Keeps a scenario, which is replayed after every change of its steps or the machine while it is shown. */
export function useSimulation({ machine, second, initial, isShown, onPlayed }: SimulationInput): Simulation {
  const [steps, setAll] = useState<readonly unknown[]>(initial ?? []);
  const [form, setForm] = useState<StepForm>();
  const setSteps = (next: readonly unknown[]) => {
    setForm(undefined);
    setAll(next.slice(0, MAX_STEPS));
  };
  const { name, text } = machine;
  const isReady = isShown && text !== "";
  const { played, failure, retry } = usePlayed({ name, text, second, steps, isReady, onPlayed });
  const can = played?.can;
  const possible = useMemo(() => new Set(can?.flatMap(({ edges }) => edges)), [can]);
  const takeEdge = (index: number) => {
    const found = can
      ?.filter(({ edges }) => edges.includes(index))
      .sort((a, b) => a.steps.length - b.steps.length || a.edges.length - b.edges.length)[0];
    if (found === undefined) return;
    if (found.steps.length > 0) setSteps([...steps, ...found.steps]);
    else setForm(found.form);
  };
  return {
    steps,
    setSteps,
    add: (...more) => setSteps([...steps, ...more]),
    played,
    failure,
    retry,
    takeEdge,
    possible,
    form,
    setForm,
  };
}

interface PlayedInput extends MachineText, Pick<SimulationInput, "second" | "onPlayed"> {
  readonly steps: readonly unknown[];
  readonly isReady: boolean;
}

/** Returns what the steps did; what they did before they were changed stays until then. */
function usePlayed({ name, text, second, steps, isReady, onPlayed }: PlayedInput) {
  const [played, setPlayed] = useState<Simulated>();
  const [failure, setFailure] = useState<Error>();
  const [tries, setTries] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another try plays the same steps
  useEffect(() => {
    if (!isReady) return;
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
  }, [name, text, second, steps, isReady, onPlayed, tries]);
  return { played, failure, retry: () => setTries((count) => count + 1) };
}
