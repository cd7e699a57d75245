import type { StackEvent } from "../machine/event.ts";
import {
  FAILED,
  type Machine,
  NEXT,
  PLAIN_MACHINE,
  PLAIN_STATE,
  PLAIN_TASK,
  type State,
  type Task,
  TIMEOUT,
  toReactions,
} from "../machine/machine.ts";
import type { Stack, TaskState } from "../machine/stack.ts";

/** A state in short: reactions by event, each the states to enter (`[]`: nothing happens). */
export interface StateSketch {
  readonly on?: Readonly<Record<string, readonly string[]>>;
  readonly tasks?: readonly string[];
  readonly terminal?: boolean;
  /** Instants in milliseconds after the entry, with their events. */
  readonly after?: readonly { readonly inMs: number; readonly event: string }[];
}

/** What of a built machine is not the default. */
export interface MachineSketch extends Partial<Omit<Machine, "states" | "tasks" | "events">> {
  /** Added to the events that the states name; every built machine declares `LAUNCH`. */
  readonly events?: readonly string[];
  /** What of a task is not the default. */
  readonly tasks?: Readonly<Record<string, Partial<Task>>>;
}

/** A machine of these states. Each task that a state lists is a Lambda task with the defaults of version 1. */
export function aMachine(states: Readonly<Record<string, StateSketch>>, sketch: MachineSketch = {}): Machine {
  const { events = [], tasks = {}, ...rest } = sketch;
  const sketches = Object.entries(states);
  const declared = sketches.flatMap(([, { on = {}, after = [] }]) => {
    return [...Object.keys(on).filter((name) => !INTERNAL.has(name)), ...after.map(({ event }) => event)];
  });
  const names = sketches.flatMap(([, { tasks: listed = [] }]) => listed);
  return {
    ...PLAIN_MACHINE,
    name: "review-app",
    hash: "0".repeat(64),
    revision: "follow",
    events: new Set(["LAUNCH", ...declared, ...events]),
    states: new Map(sketches.map(([name, state]) => [name, toState(name, state)])),
    tasks: new Map(names.map((name) => [name, { ...aTask(name), ...tasks[name] }])),
    ...rest,
  };
}

/** A stack in INIT that was created at the instant 0 and did nothing yet. Tasks may be given as names: pending. */
export function aStack(stack: Partial<Omit<Stack, "tasks">> & { tasks?: readonly (string | TaskState)[] } = {}): Stack {
  const { tasks = [], ...rest } = stack;
  return {
    id: "pr-12",
    machine: "review-app",
    machineHash: "0".repeat(64),
    state: "INIT",
    previousState: null,
    metadata: {},
    createdAt: 0,
    updatedAt: 0,
    enteredAt: 0,
    life: "event-0",
    entry: 0,
    attempts: {},
    runs: [],
    timers: [],
    automaticEntries: [],
    ...rest,
    tasks: tasks.map((task) => (typeof task === "string" ? { name: task, status: "PENDING" } : task)),
  };
}

/** An event from outside for the stack of `aStack`, a second after its creation. */
export function anEvent(name: string, event: Partial<StackEvent> = {}): StackEvent {
  return { id: "event-1", stackId: "pr-12", name, at: 1_000, origin: "external", ...event };
}

const INTERNAL: ReadonlySet<string> = new Set([NEXT, FAILED, TIMEOUT]);

function toState(name: string, { on = {}, tasks = [], terminal = false, after = [] }: StateSketch): State {
  const reactions = Object.entries(on).map(([event, advance]) => [event, toReactions(advance)] as const);
  return { ...PLAIN_STATE, name, terminal, tasks, on: new Map(reactions), after };
}

function aTask(name: string): Task {
  const definition = { executor: "lambda", config: { name } };
  return { ...PLAIN_TASK, name, executor: "lambda", definition, timeoutMs: 86_400_000, cancelWithinMs: 300_000 };
}
