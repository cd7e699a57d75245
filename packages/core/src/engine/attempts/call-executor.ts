import { findMachineLimit } from "../../errors/machine-limits.ts";
import { describeThrown, describeValue, isStackyardError } from "../../errors/stackyard-error.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Executor, type ExecutorContext, type Failed, failed, type Step } from "../../ports/executor.ts";
import { within } from "../../within.ts";
import { checkStep, findFaults } from "./check-step.ts";
import type { KeptProgress } from "./kept-progress.ts";

/** Which of an executor's functions is called. */
export type Operation = "start" | "poll" | "cancel";

/** Returns the function that continues an attempt. A cancel is started once; then the work is polled until it ends. */
export function operationOf(kept: KeptProgress | undefined, cancelling: boolean, executor: Executor): Operation {
  const cancels = cancelling && kept?.cancelBegun !== true && executor.cancel !== undefined;
  if (cancels) return "cancel";
  return kept === undefined ? "start" : "poll";
}

/** The operation to call, and its arguments. */
interface ExecutorCall {
  readonly operation: Operation;
  readonly config: unknown;
  readonly kept: KeptProgress | undefined;
}

/**
 * Calls the executor. An error, or an invalid result, becomes a failed step. The schema of the config judges a start only:
 * `poll` and `cancel` get config and progress as they are stored, also when the plugin was updated meanwhile. To refuse
 * them would end the attempt while its work runs on.
 */
export async function callExecutor(executor: Executor, ctx: ExecutorContext, input: ExecutorCall): Promise<Step> {
  try {
    const fault = input.operation === "start" ? findStartFault(executor, input.config) : undefined;
    if (fault !== undefined) return fault;
    return checkStep(executor, await call(executor, ctx, input));
  } catch (error) {
    return toFailedStep(error);
  }
}

function findStartFault(executor: Executor, config: unknown): Failed | undefined {
  const fault = findFaults(executor.config, config);
  if (fault === undefined) return undefined;
  const message = `The config does not fit "${executor.name}": ${fault}.`;
  return failed({ code: "CONFIG_INVALID", message, retryable: false });
}

export async function call(
  executor: Executor,
  ctx: ExecutorContext,
  { operation, config, kept }: ExecutorCall,
): Promise<unknown> {
  // The config of a start was checked against the executor's own schema; later calls get what that start was given.
  const args = [ctx, config as never, kept?.progress as never] as const;
  if (operation === "start") return executor.start(ctx, config as never);
  const run = operation === "poll" ? executor.poll : executor.cancel;
  if (run === undefined) {
    return failed({
      code: "PLUGIN_INVALID",
      message: `The executor "${executor.name}" answered running but has no ${operation}.`,
      retryable: false,
    });
  }
  return run.apply(executor, [...args]);
}

function toFailedStep(error: unknown): Step {
  if (isStackyardError(error)) return failed({ code: error.code, message: error.message, retryable: error.retryable });
  const text = error instanceof Error ? `${error.name}: ${describeThrown(error)}` : describeValue(error);
  const remedy = findMachineLimit(error);
  const message = remedy === undefined ? text : `${text}. ${remedy}`;
  return failed({ code: "EXECUTOR_FAILED", message, retryable: true });
}

/** The failure of work that was interrupted at the end of its invocation. */
export const INTERRUPTED: Failed = failed({
  code: "TASK_TIMEOUT",
  message:
    "The task was interrupted: the time of its runner was over. Send tasks that take so long to a runner without an end.",
  retryable: true,
});

/**
 * Returns the result of a call, or `INTERRUPTED` if it has not settled at `overAt`; the call continues. Undefined: no
 * time limit.
 */
export async function callWithin(clock: Clock, overAt: number | undefined, call: Promise<Step>): Promise<Step> {
  if (overAt === undefined) return call;
  return within(call, { clock, ms: overAt - clock.now(), late: () => INTERRUPTED });
}
