import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import { SimFault } from "../sim-fault.ts";

/** The parts of a definition's state that are read. */
export interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly ResultPath?: string | null;
  readonly Seconds?: number;
  readonly SecondsPath?: string;
  readonly Timestamp?: string;
  readonly TimestampPath?: string;
  readonly TimeoutSeconds?: number;
  readonly Retry?: readonly Retrier[];
  readonly Branches?: readonly Definition[];
  readonly Iterator?: Definition;
  readonly ItemProcessor?: Definition;
}

/** An item of `Retry`. */
export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
}

/** A definition, or a part of one. */
export interface Definition {
  readonly StartAt: string;
  readonly TimeoutSeconds?: number;
  readonly States: Readonly<Record<string, State>>;
}

/** A definition that the interpreter runs without a clock of its own, and the states whose work is done here. */
interface LocalDefinition {
  readonly definition: Definition;
  /** Tasks and waits by name; waits have become tasks. */
  readonly states: ReadonlyMap<string, State>;
}

/**
 * Converts waits to tasks and removes timeouts, because the interpreter waits in real time; the clock of the simulation
 * handles both. Source: Amazon States Language specification, "Wait State" and "Timeouts".
 */
export function toLocalDefinition(given: Definition): LocalDefinition {
  const states = new Map<string, State>();
  return { definition: convert(given, states), states };
}

function convert({ TimeoutSeconds: _timeout, ...given }: Definition, states: Map<string, State>): Definition {
  const converted = Object.entries(given.States).map(([name, state]) => [name, convertState(name, state, states)]);
  return { ...given, States: Object.fromEntries(converted) };
}

function convertState(name: string, state: State, states: Map<string, State>): State {
  if (state.Type === "Wait") {
    states.set(name, state);
    const { Seconds, SecondsPath, Timestamp, TimestampPath, ...rest } = state;
    return { ...rest, Type: "Task", Resource: WAIT, ResultPath: null };
  }
  if (state.Type === "Task") {
    states.set(name, state);
    const { TimeoutSeconds: _timeout, ...rest } = state;
    return rest;
  }
  return {
    ...state,
    ...(state.Branches && { Branches: state.Branches.map((branch) => convert(branch, states)) }),
    ...(state.Iterator && { Iterator: convert(state.Iterator, states) }),
    ...(state.ItemProcessor && { ItemProcessor: convert(state.ItemProcessor, states) }),
  };
}

const WAIT = "arn:aws:lambda:eu-west-1:111122223333:function:wait";

const known = new Set<string>();

/**
 * Throws what CreateStateMachine returns for an invalid definition: `InvalidDefinition`. A text is checked only once, as that
 * takes a third of a second.
 */
export function checkDefinition(definition: Definition): void {
  const text = JSON.stringify(definition);
  if (known.has(text)) return;
  try {
    new StateMachine(definition as unknown as StateMachineDefinition, { validationOptions: { checkArn: false } });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SimFault("InvalidDefinition", 400, `Invalid State Machine Definition: '${why}'`);
  }
  known.add(text);
}
