import { Type } from "typebox";
import { callExecutor, operationOf } from "../engine/attempts/call-executor.ts";
import { createLeases } from "../engine/built-in-ports.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { idempotencyKeyOf } from "../machine/attempt-id.ts";
import { createMemoryRecords } from "../memory/memory-records.ts";
import {
  defineExecutor,
  type Executor,
  type ExecutorContext,
  type Failed,
  type Step,
  type Succeeded,
  silentLogger,
  succeeded,
} from "../ports/executor.ts";
import { createFakeClock, type FakeClock, settlePromises } from "./fake-clock.ts";

/** The options of a run. */
interface RunExecutorOptions {
  /** Default: a fresh one. */
  readonly context?: TestExecutorContext;
  /** Asks for a cancel so long after the start. Default: never. */
  readonly cancelAfterMs?: number;
  /** The delay of the poll after so many steps, as that of a worker that was away. Default: 0. */
  readonly lateMs?: (steps: number) => number;
  /** More steps than these are an error. Default: 1,000. */
  readonly maxSteps?: number;
}

/** The result of a run. */
export interface ExecutorRun {
  /** The last step. */
  readonly step: Succeeded | Failed;
  /** All steps in order, the last one included. */
  readonly steps: readonly Step[];
  readonly reports: readonly string[];
  /** Virtual time from the start to the end. */
  readonly elapsedMs: number;
}

const MAX_STEPS = 1_000;

/**
 * Drives an executor to its end as a worker does: start, then poll when due, each time with the progress as JSON
 * brought it back and in virtual time. Steps that do not fit the executor's schemas become failed ones.
 */
export async function runExecutor(
  executor: Executor,
  config: unknown,
  options: RunExecutorOptions = {},
): Promise<ExecutorRun> {
  const { context = createExecutorContext(), maxSteps = MAX_STEPS, lateMs = () => 0 } = options;
  const { clock } = context;
  const startedAt = clock.now();
  const cancel = new AbortController();
  const steps: Step[] = [];
  let kept: { readonly progress: unknown; readonly cancelBegun: boolean } | undefined;
  void requestCancel(clock, cancel, options.cancelAfterMs);

  while (steps.length < maxSteps) {
    const cancelling = cancel.signal.aborted;
    // A call that begins after the cancel was requested must not be ended by the signal of that cancel.
    const signal = cancelling ? context.signal : AbortSignal.any([cancel.signal, context.signal]);
    const operation = operationOf(kept, cancelling, executor);
    const call = callExecutor(executor, { ...context, cancelling, signal }, { operation, config, kept });
    const step = await letTimePass(clock, call);
    steps.push(step);
    if (step.kind !== "running") return { step, steps, reports: context.reports, elapsedMs: clock.now() - startedAt };
    kept = { progress: toJson(step.progress), cancelBegun: kept?.cancelBegun === true || operation === "cancel" };
    const pauseMs = step.pollAfterMs + lateMs(steps.length);
    await letTimePass(clock, clock.sleep(pauseMs, cancelling ? undefined : cancel.signal));
  }
  throw new Error(`The executor "${executor.name}" has not ended after ${maxSteps} steps.`);
}

async function requestCancel(clock: FakeClock, cancel: AbortController, afterMs: number | undefined): Promise<void> {
  if (afterMs === undefined) return;
  await clock.sleep(afterMs);
  cancel.abort(new Error("A cancel was requested."));
}

/** Wakes one sleeper after the other until the work has ended; work that waits for the outside is waited for. */
export async function letTimePass<Result>(clock: FakeClock, work: Promise<Result>): Promise<Result> {
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  over.catch(() => undefined);
  await settlePromises();
  while (!isOver) {
    const wakeAt = clock.nextWakeAt();
    if (wakeAt === undefined) await settlePromises();
    else await clock.advance(wakeAt - clock.now());
  }
  return over;
}

function toJson(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** A context whose time a test moves, and which keeps what the executor reports. */
export interface TestExecutorContext extends ExecutorContext {
  readonly clock: FakeClock;
  /** The lines that were reported, oldest first. */
  readonly reports: readonly string[];
}

/** The values that a test may set; the idempotency key follows from the ids unless it is given. */
export type TestContextInput = Partial<Omit<TestExecutorContext, "reports" | "report">>;

const HOUR_MS = 60 * 60 * 1000;

/**
 * Creates a context for one attempt of the task `work` of the stack `s1`, with records and leases in memory and no AWS.
 */
export function createExecutorContext(input: TestContextInput = {}): TestExecutorContext {
  const clock = input.clock ?? createFakeClock();
  const records = input.records ?? createMemoryRecords();
  const { stackId = "s1", task = "work", attempt = { id: "a1", number: 1, token: 1 } } = input;
  const reports: string[] = [];
  return {
    stackId,
    machine: "web",
    task,
    attempt,
    metadata: {},
    state: "UP",
    previousState: "INIT",
    idempotencyKey: idempotencyKeyOf({ stackId, incarnation: "created", entry: 1, task, attempt: attempt.number }),
    signal: new AbortController().signal,
    cancelling: false,
    deadlineAt: clock.now() + HOUR_MS,
    logger: silentLogger,
    clock,
    records,
    leases: createLeases(records, { clock }),
    service: () => undefined,
    aws: () => refuseAws(),
    credentials: async () => refuseAws(),
    ...input,
    reports,
    report: (line) => {
      reports.push(line);
    },
  };
}

function refuseAws(): never {
  throw new StackyardError(
    "CONFIG_INVALID",
    "This test has no AWS. Give `aws` or `credentials` to createExecutorContext.",
  );
}

/** One call to a scripted executor. */
export interface ScriptedCall {
  readonly stackId: string;
  readonly task: string;
  readonly attempt: number;
}

/** An executor for tests: succeeds at once by default, and records the calls. */
export interface ScriptedExecutor {
  readonly executor: Executor;
  readonly calls: ScriptedCall[];
}

/** Creates one under a name; the script may return another step for a call. */
export function createScriptedExecutor(
  name: string,
  script: (call: ScriptedCall) => Step | undefined = () => undefined,
): ScriptedExecutor {
  const calls: ScriptedCall[] = [];
  const answer = (call: ScriptedCall) => Promise.resolve(script(call) ?? succeeded({}));
  const executor = defineExecutor({
    name,
    config: Type.Object({}),
    start(ctx) {
      calls.push(toCall(ctx));
      return answer(toCall(ctx));
    },
    poll: (ctx) => answer(toCall(ctx)),
  });
  return { executor, calls };
}

function toCall({ stackId, task, attempt }: ExecutorContext): ScriptedCall {
  return { stackId, task, attempt: attempt.number };
}
