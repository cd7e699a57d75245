import { callExecutor, operationOf } from "../engine/call-executor.ts";
import type { Executor, Failed, Step, Succeeded } from "../ports/executor.ts";
import { createExecutorContext, type TestExecutorContext } from "./executor-context.ts";
import { type FakeClock, settlePromises } from "./fake-clock.ts";

/** How a run goes. */
export interface RunExecutorOptions {
  /** Default: a fresh one. */
  readonly context?: TestExecutorContext;
  /** Asks for a cancel so long after the start. Default: never. */
  readonly cancelAfterMs?: number;
  /** More steps than these are an error. Default: 1,000. */
  readonly maxSteps?: number;
}

/** What became of a run. */
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
  const { context = createExecutorContext(), maxSteps = MAX_STEPS } = options;
  const { clock } = context;
  const startedAt = clock.now();
  const cancel = new AbortController();
  const steps: Step[] = [];
  let kept: { readonly progress: unknown; readonly cancelBegun: boolean } | undefined;
  void askForCancel(clock, cancel, options.cancelAfterMs);

  while (steps.length < maxSteps) {
    const cancelling = cancel.signal.aborted;
    // A call that begins after the cancel was asked for must not end at once by the signal that told of it.
    const signal = cancelling ? context.signal : AbortSignal.any([cancel.signal, context.signal]);
    const operation = operationOf(kept, cancelling, executor);
    const call = callExecutor(executor, { ...context, cancelling, signal }, { operation, config, kept });
    const step = await letTimePass(clock, call);
    steps.push(step);
    if (step.kind !== "running") return { step, steps, reports: context.reports, elapsedMs: clock.now() - startedAt };
    kept = { progress: toJson(step.progress), cancelBegun: kept?.cancelBegun === true || operation === "cancel" };
    await letTimePass(clock, clock.sleep(step.pollAfterMs, cancelling ? undefined : cancel.signal));
  }
  throw new Error(`The executor "${executor.name}" has not ended after ${maxSteps} steps.`);
}

async function askForCancel(clock: FakeClock, cancel: AbortController, afterMs: number | undefined): Promise<void> {
  if (afterMs === undefined) return;
  await clock.sleep(afterMs);
  cancel.abort(new Error("A cancel was asked for."));
}

/** Wakes one sleeper after the other until the work has ended; work that waits for the outside is waited for. */
async function letTimePass<Result>(clock: FakeClock, work: Promise<Result>): Promise<Result> {
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
