import { isStackyardError } from "../errors/stackyard-error.ts";
import type { Executor, ExecutorContext, Step } from "../ports/executor.ts";
import { failed } from "../ports/steps.ts";
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

/** Calls the executor with values that fit its schemas; what it throws becomes a failed step. */
export async function callExecutor(
  executor: Executor,
  operation: Operation,
  ctx: ExecutorContext,
  config: unknown,
  kept: KeptProgress | undefined,
): Promise<Step> {
  const fault = findFaults(executor.config, config);
  if (fault !== undefined) {
    return failed({
      code: "CONFIG_INVALID",
      message: `The config does not fit "${executor.name}": ${fault}.`,
      retryable: false,
    });
  }
  try {
    return checkStep(executor, await call(executor, operation, ctx, config, kept?.progress));
  } catch (error) {
    return toFailedStep(error);
  }
}

async function call(
  executor: Executor,
  operation: Operation,
  ctx: ExecutorContext,
  config: unknown,
  progress: unknown,
): Promise<Step> {
  // Config and progress were checked against the executor's own schemas.
  const args = [ctx, config as never, progress as never] as const;
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

function checkStep(executor: Executor, step: Step): Step {
  if (step.kind === "failed") return step;
  const [schema, value, what] =
    step.kind === "running"
      ? [executor.progress, step.progress, "progress"]
      : [executor.outputs, step.outputs, "outputs"];
  const fault = findFaults(schema, value);
  if (fault === undefined) return step;
  return failed({
    code: step.kind === "running" ? "PLUGIN_INVALID" : "OUTPUT_INVALID",
    message: `The ${what} of "${executor.name}" do not fit its schema: ${fault}.`,
    retryable: false,
  });
}

function toFailedStep(error: unknown): Step {
  if (isStackyardError(error)) return failed({ code: error.code, message: error.message, retryable: error.retryable });
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return failed({ code: "EXECUTOR_FAILED", message, retryable: true });
}
