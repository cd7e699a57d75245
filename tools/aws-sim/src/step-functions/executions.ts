import type { Clock } from "@stackyard/core";
import { type RunOptions, StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import type { NamedResource } from "../sim-call.ts";
import { type Definition, type Retrier, type State, toLocalDefinition } from "./to-local-definition.ts";

/** A state machine that stands. */
export interface Machine extends NamedResource {
  readonly arn: string;
  readonly definition: Definition;
}

/** One run of one. */
export interface Execution {
  readonly arn: string;
  readonly machine: Machine;
  readonly name: string;
  readonly input: string;
  readonly startedAt: number;
  status: "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED";
  stoppedAt?: number;
  /** JSON. */
  output?: string;
  error?: string;
  cause?: string;
  readonly history: HistoryEvent[];
  /** Resolves when it has ended, however. */
  ended: Promise<void>;
  readonly stop: AbortController;
}

/** What an execution needs. */
export interface ExecutionDeps {
  readonly clock: Clock;
  readonly invoke: StateDeps["invoke"];
  readonly onChange: (execution: Execution) => void;
}

/** Runs a definition with an interpreter of the Amazon States Language; it waits by the clock of the simulation. */
export function startExecution(
  machine: Machine,
  { name, input }: Pick<Execution, "name" | "input">,
  deps: ExecutionDeps,
): Execution {
  const { region, account } = machine;
  const arn = `arn:aws:states:${region}:${account}:execution:${machine.name}:${name}`;
  const execution: Execution = {
    arn,
    machine,
    name,
    input,
    startedAt: deps.clock.now(),
    status: "RUNNING",
    ended: Promise.resolve(),
    stop: new AbortController(),
    history: [],
  };
  deps.onChange(execution);
  execution.ended = run(execution, deps).then((outcome) => {
    Object.assign(execution, { status: "SUCCEEDED", ...outcome, stoppedAt: deps.clock.now() });
    execution.stop.abort();
    deps.onChange(execution);
  });
  return execution;
}

type Outcome = Partial<Pick<Execution, "status" | "output" | "error" | "cause">>;

async function run(execution: Execution, deps: ExecutionDeps): Promise<Outcome> {
  const { machine, name, input, arn, stop } = execution;
  const { definition, states } = toLocalDefinition(machine.definition);
  const handlers = [...states].map(([state, facts]) => {
    return [state, createStateHandler(facts, { ...deps, signal: stop.signal })] as const;
  });
  const overrides = {
    taskResourceLocalHandlers: Object.fromEntries(handlers),
    // The pauses are made by the handlers, on the clock.
    retryIntervalOverrides: Object.fromEntries([...states.keys()].map((state) => [state, 0])),
  };
  const context = {
    Execution: { Id: arn, Name: name, Input: JSON.parse(input) },
    StateMachine: { Id: machine.arn, Name: machine.name },
  };
  const interpreter = new StateMachine(definition as unknown as StateMachineDefinition, {
    // It was checked when the machine was created.
    validationOptions: { noValidate: true },
  });
  const running = interpreter.run(JSON.parse(input), { context, overrides } as RunOptions);
  const failure = noteEvents(execution, running.eventLogs, deps.clock);
  const end = running.result.then(
    (result): Outcome => ({ output: JSON.stringify(result) }),
    async (): Promise<Outcome> => ({ status: "FAILED", ...(await failure) }),
  );
  const outcome = await Promise.race([
    end,
    stopped(stop.signal),
    timedOut(machine.definition, stop.signal, deps.clock),
  ]);
  if (outcome.status === "ABORTED" || outcome.status === "TIMED_OUT") running.abort();
  return outcome;
}

/** Writes the history, and gives what the execution has failed with. */
async function noteEvents(
  { machine: { definition }, history }: Execution,
  events: AsyncGenerator<object>,
  clock: Clock,
): Promise<Outcome> {
  for await (const event of events) {
    const noted = toHistoryEvent(event, { definition, at: clock.now(), id: history.length + 1 });
    if (noted !== undefined) history.push(noted);
    const { type, Error: error, Cause: cause } = Object(event);
    if (type === "ExecutionFailed") return { error: String(error), cause: String(cause) };
  }
  return {};
}

function stopped(signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve({ status: "ABORTED" }), { once: true }),
  );
}

/** Waits for `TimeoutSeconds` of the whole machine; without it a year, which is the quota of an execution. */
async function timedOut({ TimeoutSeconds }: Definition, signal: AbortSignal, clock: Clock): Promise<Outcome> {
  if (TimeoutSeconds === undefined) return new Promise(() => undefined);
  await clock.sleep(TimeoutSeconds * 1_000, signal);
  return { status: "TIMED_OUT", error: "States.Timeout" };
}

/** What a state's work needs. */
interface StateDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Calls a function; what it throws is reported by the error's name. */
  readonly invoke: (functionName: string, payload: unknown) => Promise<unknown>;
}

/**
 * Creates the work of a task or a wait. A handler is for one execution: it remembers how often the state has failed.
 */
function createStateHandler(state: State, deps: StateDeps): (input: unknown) => Promise<unknown> {
  const attempts = new Map<Retrier, number>();
  let pauseMs = 0;
  return async (input) => {
    if (state.Type === "Wait") return wait(state, input, deps);
    await deps.clock.sleep(pauseMs, deps.signal);
    pauseMs = 0;
    try {
      const output = await withTimeout(state, deps, () => runTask(state, input, deps));
      attempts.clear();
      return output;
    } catch (error) {
      pauseMs = toPause(state, attempts, error);
      throw error;
    }
  };
}

const INVOKE = "arn:aws:states:::lambda:invoke";

/**
 * Returns a function by its ARN, or through the service integration ("Invoke a Lambda function with Step Functions").
 */
async function runTask({ Resource = "" }: State, input: unknown, { invoke }: StateDeps): Promise<unknown> {
  if (Resource !== INVOKE) return invoke(Resource, input);
  const { FunctionName, Payload } = Object(input);
  return { ExecutedVersion: "$LATEST", StatusCode: 200, Payload: await invoke(FunctionName, Payload) };
}

async function wait(state: State, input: unknown, { clock, signal }: StateDeps): Promise<null> {
  const { Seconds, SecondsPath, Timestamp, TimestampPath } = state;
  const until: unknown = Timestamp ?? (TimestampPath === undefined ? undefined : readPath(input, TimestampPath));
  const seconds = Seconds ?? (SecondsPath === undefined ? 0 : Number(readPath(input, SecondsPath)));
  await clock.sleep(until === undefined ? seconds * 1_000 : Date.parse(String(until)) - clock.now(), signal);
  return null;
}

/**
 * Limits a task to its `TimeoutSeconds`: 60 s or the given value; the default limit is too long to matter in a test.
 */
async function withTimeout<T>(
  { TimeoutSeconds }: State,
  { clock, signal }: StateDeps,
  work: () => Promise<T>,
): Promise<T> {
  if (TimeoutSeconds === undefined) return work();
  const done = new AbortController();
  const late = clock.sleep(TimeoutSeconds * 1_000, AbortSignal.any([signal, done.signal])).then(() => {
    throw Object.assign(new Error("The task ran out of time."), { name: "States.Timeout" });
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    late.catch(() => undefined);
    done.abort();
  }
}

/** Follows "Retrying after an error": IntervalSeconds 1, MaxAttempts 3 and BackoffRate 2 by default. */
function toPause({ Retry = [] }: State, attempts: Map<Retrier, number>, error: unknown): number {
  const name = error instanceof Error ? error.name : "Error";
  const retrier = Retry.find(({ ErrorEquals }) => ErrorEquals.some((each) => matches(each, name)));
  if (retrier === undefined) return 0;
  const { IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2, MaxDelaySeconds = Number.POSITIVE_INFINITY } = retrier;
  const attempt = attempts.get(retrier) ?? 0;
  attempts.set(retrier, attempt + 1);
  if (attempt < MaxAttempts) return Math.min(IntervalSeconds * BackoffRate ** attempt, MaxDelaySeconds) * 1_000;
  attempts.clear();
  return 0;
}

function matches(pattern: string, name: string): boolean {
  return pattern === "States.ALL" || pattern === name || (pattern === "States.TaskFailed" && name !== "States.Timeout");
}

/** Paths of names only, such as `$.progress.seconds`. */
function readPath(input: unknown, path: string): unknown {
  return path
    .split(".")
    .slice(1)
    .reduce((value: unknown, name) => Object(value)[name], input);
}

/** One event of an execution's history. Source: API reference, "HistoryEvent"; of Lambda tasks only the failures are there. */
interface HistoryEvent {
  readonly id: number;
  readonly previousEventId: number;
  readonly timestamp: Date;
  readonly type: string;
  readonly [details: string]: unknown;
}

/** Returns the history event for an event of the interpreter; undefined: it is not recorded. */
function toHistoryEvent(
  event: object,
  { definition, at, id }: { readonly definition: Definition; readonly at: number; readonly id: number },
): HistoryEvent | undefined {
  const { type, state, Error: error, Cause: cause, input } = { ...event } as Readonly<Record<string, unknown>>;
  const base = { id, previousEventId: id - 1, timestamp: new Date(at) };
  const details = toDetails(String(type), { definition, state: { ...Object(state) }, error, cause, input });
  return details && { ...base, ...details };
}

interface Facts {
  readonly definition: Definition;
  readonly state: Readonly<Record<string, unknown>>;
  readonly error: unknown;
  readonly cause: unknown;
  readonly input: unknown;
}

function toDetails(type: string, { definition, state, error, cause, input }: Facts) {
  const name = String(state["name"]);
  const fault = { error: String(error), cause: String(cause) };
  // Waits are tasks to the interpreter.
  const kind = definition.States[name]?.Type ?? "Task";
  switch (type) {
    case "ExecutionStarted":
      return { type, executionStartedEventDetails: { input: JSON.stringify(input) } };
    case "StateEntered":
      return { type: `${kind}StateEntered`, stateEnteredEventDetails: { name, input: JSON.stringify(state["input"]) } };
    case "StateExited":
      return { type: `${kind}StateExited`, stateExitedEventDetails: { name, output: JSON.stringify(state["output"]) } };
    case "StateFailed":
      return kind === "Task" ? { type: "LambdaFunctionFailed", lambdaFunctionFailedEventDetails: fault } : undefined;
    case "ExecutionSucceeded":
      return { type };
    case "ExecutionFailed":
      return { type, executionFailedEventDetails: fault };
    default:
      return undefined;
  }
}
