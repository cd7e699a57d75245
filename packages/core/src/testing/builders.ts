import { Type } from "typebox";
import type { StackEvent } from "../machine/event-message.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import type { Expression, Template } from "../machine/expression/expression.ts";
import {
  FAILED,
  type Machine,
  type MetadataRule,
  type MetadataRules,
  NEXT,
  PLAIN_MACHINE,
  PLAIN_STATE,
  PLAIN_TASK,
  type Reaction,
  SEMANTICS_V1,
  SEMANTICS_V2,
  type State,
  type Task,
  TIMEOUT,
  toReactions,
} from "../machine/machine.ts";
import type { Stack, TaskState } from "../machine/stack.ts";

/** One entry of a reaction in short: what must hold, the state to enter (none: nothing happens), and what it sets. */
export interface ReactionSketch {
  readonly when?: Expression;
  readonly to?: string;
  readonly set?: Readonly<Record<string, Template>>;
}

/** A state in short. Reactions by event: the states to enter (`[]`: nothing happens), or entries of which the first counts. */
export interface StateSketch {
  readonly on?: Readonly<Record<string, readonly string[] | readonly ReactionSketch[]>>;
  readonly tasks?: readonly string[];
  readonly terminal?: boolean;
  /** Instants in milliseconds after the entry, with their events. */
  readonly after?: readonly { readonly inMs: number; readonly event: string }[];
  readonly timeoutMs?: number;
  readonly leaving?: State["leaving"];
  readonly protected?: boolean;
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
  const semantics = sketch.version === 2 ? SEMANTICS_V2 : SEMANTICS_V1;
  const sketches = Object.entries(states);
  const declared = sketches.flatMap(([, { on = {}, after = [] }]) => {
    return [...Object.keys(on).filter((name) => !INTERNAL.has(name)), ...after.map(({ event }) => event)];
  });
  const names = sketches.flatMap(([, { tasks: listed = [] }]) => listed);
  return {
    ...PLAIN_MACHINE,
    semantics,
    name: "review-app",
    hash: "0".repeat(64),
    revision: "follow",
    events: new Set(["LAUNCH", ...declared, ...events]),
    states: new Map(sketches.map(([name, state]) => [name, toState(name, state)])),
    tasks: new Map(names.map((name) => [name, { ...aTask(name), ...tasks[name] }])),
    ...rest,
  };
}

/** As `aMachine`, of version 2: a task waits an hour and a state for the runs that were left, where nothing else is said. */
export function aMachineV2(states: Readonly<Record<string, StateSketch>>, sketch: MachineSketch = {}): Machine {
  const waiting = Object.entries(states).map(
    ([name, state]) => [name, { leaving: "wait" as const, ...state }] as const,
  );
  const machine = aMachine(Object.fromEntries(waiting), { version: 2, revision: "pin", ...sketch });
  const tasks = [...machine.tasks].map(([name, task]) => {
    return [name, { ...task, timeoutMs: sketch.tasks?.[name]?.timeoutMs ?? 3_600_000 }] as const;
  });
  return { ...machine, tasks: new Map(tasks) };
}

/** The same machine, for code that must not read its version: reading it throws. */
export function withoutVersion(machine: Machine): Machine {
  const get = (): never => {
    throw new Error("The version of the machine was read.");
  };
  return Object.defineProperty({ ...machine }, "version", { get });
}

/** Executors that accept any config, and want one. */
export function acceptingExecutors(...names: readonly string[]): ExecutorRegistry {
  const config = Type.Record(Type.String(), Type.Unknown(), { minProperties: 1 });
  return new Map(names.map((name) => [name, { name, config, resumable: true, checkConfig: () => undefined }]));
}

/** Rules of these keys; others are allowed. */
export function someRules(keys: Readonly<Record<string, Partial<MetadataRule>>>, additional = true): MetadataRules {
  const rules = Object.entries(keys).map(([key, rule]) => {
    return [key, { required: false, sensitive: false, immutable: false, ...rule }] as const;
  });
  return { keys: new Map(rules), additional };
}

/** A policy of so many attempts that waits up to 1 s, 2 s, 4 s and so on, at most a minute. */
export function retrying(attempts: number, only?: readonly string[]): Pick<Task, "retry"> {
  const policy = { attempts, fromMs: 1_000, toMs: 60_000, factor: 2 };
  return { retry: only === undefined ? policy : { ...policy, only: new Set(only) } };
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

function toState(name: string, sketch: StateSketch): State {
  const { on = {}, tasks = [], terminal = false, after = [], ...rest } = sketch;
  const reactions = Object.entries(on).map(([event, entries]) => [event, toEntries(entries)] as const);
  return { ...PLAIN_STATE, name, terminal, tasks, on: new Map(reactions), after, ...rest };
}

function toEntries(entries: readonly string[] | readonly ReactionSketch[]): readonly Reaction[] {
  const sketches = entries.filter((entry) => typeof entry !== "string");
  if (sketches.length === 0) return toReactions(entries.filter((entry) => typeof entry === "string"));
  return sketches.map(({ when, to, set = {} }) => ({
    ...(when === undefined ? {} : { when }),
    advance: to === undefined ? [] : [to],
    set: new Map(Object.entries(set)),
  }));
}

function aTask(name: string): Task {
  const definition = { executor: "lambda", config: { name } };
  return { ...PLAIN_TASK, name, executor: "lambda", definition, timeoutMs: 86_400_000, cancelWithinMs: 300_000 };
}
