import { Type } from "typebox";
import { decide } from "../machine/decide/decide.ts";
import type { Applied, Decision } from "../machine/decide/decision.ts";
import type { StackEvent } from "../machine/event-message.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import type {
  Evaluated,
  Expression,
  ExpressionPlace,
  ExpressionScope,
  FindSecret,
  PlaceMetadata,
  Template,
} from "../machine/expression/expression.ts";
import { defined } from "../machine/json.ts";
import {
  type AfterWhen,
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

/** One entry of a reaction in short: its condition, the state to enter (or none), and the metadata that it sets. */
export interface ReactionSketch {
  readonly when?: Expression;
  readonly to?: string;
  readonly set?: Readonly<Record<string, Template>>;
  readonly raise?: string;
}

/**
 * A state in short. Reactions by event: the states to enter (`[]`: nothing happens), or entries of which the first
 * counts.
 */
export interface StateSketch {
  readonly on?: Readonly<Record<string, readonly string[] | readonly ReactionSketch[]>>;
  readonly tasks?: readonly string[];
  readonly terminal?: boolean;
  /** Instants in milliseconds after the entry, with their events, or timers of another kind. */
  readonly after?: readonly ({ readonly event: string } & ({ readonly inMs: number } | AfterWhen))[];
  readonly timeoutMs?: number;
  readonly leaving?: State["leaving"];
  readonly protected?: boolean;
}

/** The parts of a built machine that differ from the default. */
export interface MachineSketch extends Partial<Omit<Machine, "states" | "tasks" | "events">> {
  /** Added to the events that the states name; every built machine declares `LAUNCH`. */
  readonly events?: readonly string[];
  /** The fields of a task that differ from the default. */
  readonly tasks?: Readonly<Record<string, Partial<Task>>>;
}

/** Returns a machine of these states. Each task that a state lists is a Lambda task with the defaults of version 1. */
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

/**
 * Returns a machine like `aMachine`, of version 2: by default a task waits an hour, and a state waits for the runs that
 * were left.
 */
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

/** Returns the same machine, for code that must not read its version: reading it throws. */
export function withoutVersion(machine: Machine): Machine {
  const get = (): never => {
    throw new Error("The version of the machine was read.");
  };
  return Object.defineProperty({ ...machine }, "version", { get });
}

/** Returns executors that accept any config, and require one. */
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

/** Returns a policy of this number of attempts that waits up to 1 s, 2 s, 4 s and so on, at most a minute. */
export function retrying(attempts: number, only?: readonly string[]): Pick<Task, "retry"> {
  const policy = { attempts, fromMs: 1_000, toMs: 60_000, factor: 2 };
  return { retry: only === undefined ? policy : { ...policy, only: new Set(only) } };
}

/** Returns a new stack in INIT that was created at the instant 0. Tasks may be given as names: pending. */
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
    incarnation: "event-0",
    entry: 0,
    attempts: {},
    runs: [],
    timers: [],
    automaticEntries: [],
    ...rest,
    tasks: tasks.map((task) => (typeof task === "string" ? { name: task, status: "PENDING" } : task)),
  };
}

/** Returns an event from outside for the stack of `aStack`, a second after its creation. */
export function anEvent(name: string, event: Partial<StackEvent> = {}): StackEvent {
  return { id: "event-1", stackId: "pr-12", name, at: 1_000, origin: "external", ...event };
}

const INTERNAL: ReadonlySet<string> = new Set([NEXT, FAILED, TIMEOUT]);

function toState(name: string, sketch: StateSketch): State {
  const { on = {}, tasks = [], terminal = false, after = [], ...rest } = sketch;
  const reactions = Object.entries(on).map(([event, entries]) => [event, toEntries(entries)] as const);
  const timers = after.map((timer, index) => ({ key: String(index), ...("kind" in timer ? timer : toIn(timer)) }));
  return { ...PLAIN_STATE, name, terminal, tasks, on: new Map(reactions), after: timers, ...rest };
}

function toIn<Timer>(timer: Timer) {
  return { kind: "in", ...timer } as const;
}

function toEntries(entries: readonly string[] | readonly ReactionSketch[]): readonly Reaction[] {
  const sketches = entries.filter((entry) => typeof entry !== "string");
  if (sketches.length === 0) return toReactions(entries.filter((entry) => typeof entry === "string"));
  return sketches.map(({ when, to, set = {}, raise }) => ({
    ...defined({ when, raise }),
    advance: to === undefined ? [] : [to],
    set: new Map(Object.entries(set)),
  }));
}

function aTask(name: string): Task {
  const definition = { executor: "lambda", config: { name } };
  return { ...PLAIN_TASK, name, executor: "lambda", definition, timeoutMs: 86_400_000, cancelWithinMs: 300_000 };
}

/**
 * Returns a place of a reaction: all variables are allowed, `password` is sensitive and may not be named, other keys
 * are allowed.
 */
export function aPlace({ metadata, ...rest }: PlaceInput = {}): ExpressionPlace {
  return {
    event: true,
    tasks: ["app", "make db"],
    states: ["INIT", "BUILD", "CLEAN-UP"],
    sensitive: "never",
    ...rest,
    metadata: {
      declared: new Set(["image", "url", "count", "my-key", "password"]),
      sensitive: new Set(["password"]),
      additional: true,
      ...metadata,
    },
  };
}

interface PlaceInput extends Partial<Omit<ExpressionPlace, "metadata">> {
  readonly metadata?: Partial<PlaceMetadata>;
}

/** Returns the scope of a stack in BUILD that was entered twice, at noon of the last day of January 2030. */
export function aScope(input: Partial<ExpressionScope> = {}): ExpressionScope {
  return {
    stack: {
      id: "pr-1",
      machine: "review",
      state: "BUILD",
      previousState: null,
      createdAt: Date.UTC(2030, 0, 31, 10),
      enteredAt: Date.UTC(2030, 0, 31, 11, 30),
      visits: { INIT: 1, BUILD: 2, "CLEAN-UP": 0 },
    },
    metadata: { image: "shop:1.2", url: null, count: 3, ratio: 1.5, on: true, "my-key": "v" },
    event: { name: "PUSHED", metadata: { image: "shop:1.3", note: null } },
    tasks: { app: { status: "SATISFIED", outputs: { port: 80 } }, "make db": { status: "RUNNING", outputs: {} } },
    now: Date.UTC(2030, 0, 31, 12),
    ...input,
  };
}

/**
 * Returns an expression whose value is this function's result for its scope; if it throws, that is an error of
 * evaluation.
 */
export function anExpression(evaluate: (scope: ExpressionScope) => unknown, source = "…"): Expression {
  return { source, evaluate: (scope) => attempt(() => evaluate(scope)) };
}

/** Returns a value with placeholders that this function resolves; if it throws, that is an error of evaluation. */
export function aTemplate(
  resolve: (scope: ExpressionScope, findSecret: FindSecret) => unknown,
  source: unknown = "…",
): Template {
  return { source, resolve: (scope, findSecret) => attempt(() => resolve(scope, findSecret)) };
}

/** Returns a metadata key of the scope; throws when the scope does not have it, as the real language does. */
export function readKey({ metadata }: ExpressionScope, key: string): unknown {
  if (!Object.hasOwn(metadata, key)) throw new Error(`No such key: ${key}`);
  return metadata[key];
}

/** Returns an output of a task in the scope; throws when the scope does not have it. */
export function readOutput({ tasks = {} }: ExpressionScope, task: string, output: string): unknown {
  const outputs = tasks[task]?.outputs ?? {};
  if (!Object.hasOwn(outputs, output)) throw new Error(`No such key: ${task}.${output}`);
  return outputs[output];
}

function attempt(run: () => unknown): Evaluated {
  try {
    return { kind: "value", value: run() };
  } catch (error) {
    return { kind: "error", reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Returns the stack after these events, the first of which begins it. Throws when one of them is not applied. */
export function play(machine: Machine, ...events: readonly StackEvent[]): Stack {
  let stack: Stack | undefined;
  for (const [index, event] of events.entries()) {
    const named = index === 0 ? { machine: machine.name, ...event } : event;
    stack = toApplied(decide(machine, stack, named)).stack;
  }
  if (stack === undefined) throw new Error("The scenario has no event.");
  return stack;
}

/** Returns an applied decision; throws for any other. */
export function toApplied(decision: Decision): Applied {
  if (decision.kind === "applied") return decision;
  throw new Error(`${decision.code}: ${decision.reason}`);
}
