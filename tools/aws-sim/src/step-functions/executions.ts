import type { Clock } from "@stackyard/core";
import { type RunOptions, StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import { type HistoryEvent, toHistoryEvent } from "./history.ts";
import { createStateHandler, type StateDeps } from "./run-state.ts";
import { type Definition, toLocalDefinition } from "./to-local-definition.ts";

/** A state machine that stands. */
export interface Machine {
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly name: string;
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
