import { randomUUID } from "node:crypto";
import type { Clock } from "@stackyard/core";
import { type RunOptions, StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import { type AwsEvent, toAwsEvent } from "./event-bridge.ts";
import { findText, jsonFaults, type SimCall, SimFault, type SimService, textOf } from "./sim-call.ts";
import { checkDefinition } from "./step-functions/check-definition.ts";
import { type HistoryEvent, toHistoryEvent } from "./step-functions/history.ts";
import { type Definition, type Retrier, type State, toLocalDefinition } from "./step-functions/to-local-definition.ts";

/** Standard workflows that really run, on the clock of the simulation; their functions are those of `sim.lambda`. */
export interface SimStepFunctions {
  readonly service: SimService;
  /** Gives the ARN. The definition as an object, or as its JSON; throws `InvalidDefinition`. */
  addStateMachine(input: Omit<Machine, "arn" | "definition"> & { readonly definition: object | string }): string;
  readonly executions: readonly Execution[];
}

/** What it needs of the rest. */
interface StepFunctionsDeps {
  readonly clock: Clock;
  readonly lambda: SimService;
  readonly onEvent: (event: AwsEvent) => void;
}

interface StepFunctionsState extends StepFunctionsDeps {
  readonly machines: Map<string, Machine>;
  readonly executions: Execution[];
}

/** "Step Functions service quotas": 256 KiB of input, names of 80 characters, which are free again after 90 days. */
const MAX_INPUT_BYTES = 262_144;
const NAME_KEPT_MS = 90 * 86_400_000;
/** API reference, "StartExecution", `name`. */
const NAME = /^[^\s{}[\]?*"#%\\^|~`$&,;:/\p{Cc}\p{Cs}\uFFFE\uFFFF]{1,80}$/u;

/** Step Functions. Sources: API reference, "StartExecution", "DescribeExecution", "StopExecution", "ListExecutions". */
export function createStepFunctions(deps: StepFunctionsDeps): SimStepFunctions {
  const state: StepFunctionsState = { ...deps, machines: new Map(), executions: [] };
  return {
    service: {
      operations: {
        StartExecution: (call) => start(state, call),
        DescribeExecution: (call) => toDescription(openExecution(state, call)),
        StopExecution: (call) => stop(state, call),
        ListExecutions(call) {
          openMachine(state, textOf(call.input, "stateMachineArn"));
          return listExecutions(state.executions, call);
        },
        GetExecutionHistory: (call) => readHistory(openExecution(state, call), call),
      },
      toAction: (operation) => `states:${operation}`,
      faults: jsonFaults,
    },
    addStateMachine({ definition, ...input }) {
      const arn = `arn:aws:states:${input.region}:${input.account}:stateMachine:${input.name}`;
      const parsed: Definition = typeof definition === "string" ? JSON.parse(definition) : definition;
      checkDefinition(parsed);
      state.machines.set(arn, { ...input, arn, definition: parsed });
      return arn;
    },
    executions: state.executions,
  };
}

/** The same name and input as a running execution: the same answer. A name that is taken otherwise is refused. */
function start(state: StepFunctionsState, { input, now }: SimCall): unknown {
  const arn = textOf(input, "stateMachineArn");
  const name = findText(input, "name") ?? randomUUID();
  const text = findText(input, "input") ?? "{}";
  if (!/^arn:aws[a-z-]*:states:[^:]+:\d{12}:stateMachine:/.test(arn))
    throw fault("InvalidArn", `Invalid Arn: '${arn}'`);
  if (!NAME.test(name)) throw fault("InvalidName", `Invalid Name: '${name}'`);
  if (!isJson(text) || Buffer.byteLength(text) > MAX_INPUT_BYTES)
    throw fault("InvalidExecutionInput", "Invalid input.");
  const machine = openMachine(state, arn);
  const taken = state.executions.findLast((each) => {
    return each.machine === machine && each.name === name && now < (each.stoppedAt ?? now) + NAME_KEPT_MS;
  });
  if (taken !== undefined && (taken.status !== "RUNNING" || taken.input !== text)) {
    throw fault("ExecutionAlreadyExists", `Execution Already Exists: '${taken.arn}'`);
  }
  const execution = taken ?? startExecution(machine, { name, input: text }, toDeps(state, machine));
  if (taken === undefined) state.executions.push(execution);
  return { executionArn: execution.arn, startDate: new Date(execution.startedAt) };
}

function stop(state: StepFunctionsState, call: SimCall): unknown {
  const execution = openExecution(state, call);
  const { error, cause } = call.input;
  if (execution.status === "RUNNING") Object.assign(execution, { ...(error ? { error, cause } : {}) }).stop.abort();
  return { stopDate: new Date(call.now) };
}

function openMachine({ machines }: StepFunctionsState, arn: string): Machine {
  const machine = machines.get(arn);
  if (machine === undefined) throw fault("StateMachineDoesNotExist", `State Machine Does Not Exist: '${arn}'`);
  return machine;
}

function openExecution({ executions }: StepFunctionsState, { input }: SimCall): Execution {
  const arn = textOf(input, "executionArn");
  const found = executions.findLast((each) => each.arn === arn);
  if (found === undefined) throw fault("ExecutionDoesNotExist", `Execution Does Not Exist: '${arn}'`);
  return found;
}

function toDescription({ arn, machine, startedAt, stoppedAt, ...rest }: Execution) {
  const { name, status, input, output, error, cause } = rest;
  return {
    executionArn: arn,
    stateMachineArn: machine.arn,
    name,
    status,
    input,
    startDate: new Date(startedAt),
    ...(stoppedAt === undefined ? {} : { stopDate: new Date(stoppedAt) }),
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(cause === undefined ? {} : { cause }),
  };
}

function toDeps({ clock, lambda, onEvent }: StepFunctionsState, machine: Machine): ExecutionDeps {
  return {
    clock,
    invoke: (name, payload) => invokeFunction(lambda, { machine, now: clock.now() }, name, payload),
    onChange: (execution) => onEvent(toStatusEvent(execution, clock.now())),
  };
}

/** Developer guide, "Step Functions execution status change events". */
function toStatusEvent({ arn, machine, name, ...facts }: Execution, at: number): AwsEvent {
  const { status, input, output = null, startedAt, stoppedAt = null } = facts;
  return toAwsEvent({
    account: machine.account,
    region: machine.region,
    at,
    source: "aws.states",
    detailType: "Step Functions Execution Status Change",
    resources: [arn],
    detail: {
      executionArn: arn,
      stateMachineArn: machine.arn,
      name,
      status,
      input,
      output,
      startDate: startedAt,
      stopDate: stoppedAt,
      error: facts.error ?? null,
      cause: facts.cause ?? null,
    },
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function fault(name: string, message: string): SimFault {
  return new SimFault(name, 400, message);
}

/** A state machine that stands. */
interface Machine {
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly definition: Definition;
}

/** One run of one. */
interface Execution {
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
interface ExecutionDeps {
  readonly clock: Clock;
  readonly invoke: StateDeps["invoke"];
  readonly onChange: (execution: Execution) => void;
}

/** Runs a definition with an interpreter of the Amazon States Language; it waits by the clock of the simulation. */
function startExecution(
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
  const context = { Execution: { Id: arn, Name: name }, StateMachine: { Id: machine.arn, Name: machine.name } };
  const interpreter = new StateMachine(definition as unknown as StateMachineDefinition, {
    // It was looked at when the machine was made.
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

/** `TimeoutSeconds` of the whole machine; without it a year, which is the quota of an execution. */
async function timedOut({ TimeoutSeconds }: Definition, signal: AbortSignal, clock: Clock): Promise<Outcome> {
  if (TimeoutSeconds === undefined) return new Promise(() => undefined);
  await clock.sleep(TimeoutSeconds * 1_000, signal);
  return { status: "TIMED_OUT", error: "States.Timeout" };
}

/** What a state's work needs. */
interface StateDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Calls a function; what it throws is told by its error's name. */
  readonly invoke: (functionName: string, payload: unknown) => Promise<unknown>;
}

/** The work of a task or a wait. A handler is for one execution: it remembers how often the state has failed. */
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

/** A function by its ARN, or through the service integration ("Invoke a Lambda function with Step Functions"). */
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

/** `TimeoutSeconds` of a task: 60 s or whatever it says; without it there is none that a test would live to see. */
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

/** "Retrying after an error": IntervalSeconds 1, MaxAttempts 3 and BackoffRate 2 where nothing is said. */
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

/**
 * Invokes a function and waits for it. Errors have the names that definitions catch: the function's own, or `Lambda.` and
 * that of the service (developer guide, "Handling errors in Step Functions workflows").
 */
async function invokeFunction(
  lambda: SimService,
  { machine, now }: { readonly machine: Machine; readonly now: number },
  FunctionName: string,
  payload: unknown,
): Promise<unknown> {
  const { account, region } = machine;
  const arn = `arn:aws:sts::${account}:assumed-role/states/${machine.name}`;
  const identity = { arn, account, isRole: true, allow: ["*"], tags: {} };
  const input = { FunctionName, Payload: JSON.stringify(payload) };
  const call = { service: "Lambda", operation: "Invoke", input, region, identity, now };
  const { FunctionError, Payload } = await invoke(lambda, call);
  const answer = JSON.parse(Buffer.from(Payload).toString());
  if (FunctionError === undefined) return answer;
  throw Object.assign(new Error(JSON.stringify(answer)), { name: answer.errorType });
}

async function invoke(
  lambda: SimService,
  call: Parameters<SimService["operations"][string]>[0],
): Promise<{ readonly FunctionError?: string; readonly Payload: Uint8Array }> {
  try {
    return Object(await lambda.operations["Invoke"]?.(call));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    throw Object.assign(new Error(message), { name: `Lambda.${name}` });
  }
}

/** API reference, "ListExecutions" and "GetExecutionHistory": 100 without a word, 1,000 at most. */
const [DEFAULT_RESULTS, MAX_RESULTS] = [100, 1_000];

/** ListExecutions: those of one machine, the newest first. */
function listExecutions(executions: readonly Execution[], call: SimCall): unknown {
  const [arn, status] = [findText(call.input, "stateMachineArn"), findText(call.input, "statusFilter")];
  const found = executions
    .filter((each) => each.machine.arn === arn && (status ?? each.status) === each.status)
    .toReversed()
    .toSorted((one, other) => other.startedAt - one.startedAt);
  const { items, next } = toPage(found, call);
  const listed = items.map(({ arn: executionArn, machine, name, status: now, startedAt, stoppedAt }) => ({
    executionArn,
    stateMachineArn: machine.arn,
    name,
    status: now,
    startDate: new Date(startedAt),
    ...(stoppedAt === undefined ? {} : { stopDate: new Date(stoppedAt) }),
  }));
  return { executions: listed, ...next };
}

/** GetExecutionHistory: all events, the oldest first unless `reverseOrder`. */
function readHistory({ history }: Execution, call: SimCall): unknown {
  const { items, next } = toPage(call.input["reverseOrder"] === true ? history.toReversed() : history, call);
  return { events: items, ...next };
}

function toPage<Row>(rows: readonly Row[], { input }: SimCall) {
  const { maxResults = DEFAULT_RESULTS, nextToken } = input;
  const limit = Number(maxResults) === 0 ? DEFAULT_RESULTS : Number(maxResults);
  if (!Number.isInteger(limit) || limit < 0 || limit > MAX_RESULTS) {
    throw new SimFault("ValidationException", 400, `Value at 'maxResults' failed to satisfy constraint: ${maxResults}`);
  }
  const from = nextToken === undefined ? 0 : Number(/^sim-(\d+)$/.exec(String(nextToken))?.[1]);
  if (Number.isNaN(from)) throw new SimFault("InvalidToken", 400, `Invalid Token: 'Invalid token'`);
  const end = from + limit;
  return { items: rows.slice(from, end), next: end < rows.length ? { nextToken: `sim-${end}` } : {} };
}
