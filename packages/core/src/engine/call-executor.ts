import { describeThrown, describeValue } from "../errors/describe-value.ts";
import { isStackyardError } from "../errors/stackyard-error.ts";
import type { Executor, ExecutorContext, Step } from "../ports/executor.ts";
import { failed } from "../ports/steps.ts";
import { checkStep } from "./check-step.ts";
import { findFaults } from "./check-value.ts";
import type { KeptProgress } from "./kept-progress.ts";

/** Which of an executor's functions is called. */
export type Operation = "start" | "poll" | "cancel";

/** The function that continues an attempt. A cancel is begun once; after that the work is polled until it ends. */
export function operationOf(kept: KeptProgress | undefined, cancelling: boolean, executor: Executor): Operation {
  const cancels = cancelling && kept?.cancelBegun !== true && executor.cancel !== undefined;
  if (cancels) return "cancel";
  return kept === undefined ? "start" : "poll";
}

/** What is called, and with what. */
export interface ExecutorCall {
  readonly operation: Operation;
  readonly config: unknown;
  /** `***` stands in the config for values that are gone; it was checked when it had them. Default: it is whole. */
  readonly isMasked?: boolean;
  readonly kept: KeptProgress | undefined;
}

/** Calls the executor with values that fit its schemas; what it throws, or answers wrongly, becomes a failed step. */
export async function callExecutor(executor: Executor, ctx: ExecutorContext, input: ExecutorCall): Promise<Step> {
  try {
    const fault = findArgumentFault(executor, input);
    if (fault !== undefined) return fault;
    return checkStep(executor, await call(executor, ctx, input));
  } catch (error) {
    return toFailedStep(error);
  }
}

function findArgumentFault(
  executor: Executor,
  { operation, config, isMasked = false, kept }: ExecutorCall,
): Step | undefined {
  const { name } = executor;
  const fault = isMasked ? undefined : findFaults(executor.config, config);
  if (fault !== undefined) {
    return failed({
      code: "CONFIG_INVALID",
      message: `The config does not fit "${name}": ${fault}.`,
      retryable: false,
    });
  }
  if (operation === "start" || kept === undefined) return undefined;
  const outdated = findFaults(executor.progress, kept.progress);
  if (outdated === undefined) return undefined;
  const message = `The kept progress does not fit "${name}", perhaps after an update of the plugin: ${outdated}.`;
  return failed({ code: "PLUGIN_INVALID", message, retryable: false });
}

async function call(
  executor: Executor,
  ctx: ExecutorContext,
  { operation, config, kept }: ExecutorCall,
): Promise<unknown> {
  // Config and progress were checked against the executor's own schemas.
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
  const message = error instanceof Error ? `${error.name}: ${describeThrown(error)}` : describeValue(error);
  return failed({ code: "EXECUTOR_FAILED", message, retryable: true });
}
