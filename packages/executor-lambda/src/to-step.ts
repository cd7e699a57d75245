import { type ExecutorContext, type Failed, failed, type Succeeded, succeeded } from "@stackyard/core";
import type { LambdaOutputs } from "./definition.ts";
import type { FunctionAnswer } from "./function-answer.ts";
import { parseFunctionError, toErrorText } from "./function-error.ts";
import { toOutputs } from "./to-outputs.ts";

/** An answer as the step that ends the attempt. What the outputs leave out is reported. */
export function toStep(
  ctx: Pick<ExecutorContext, "report">,
  answer: FunctionAnswer,
): Succeeded<LambdaOutputs> | Failed {
  if (answer.functionError !== undefined) return toFailure(answer.payload);
  const { outputs, leftOut } = toOutputs(answer.payload);
  if (leftOut.length > 0) ctx.report(`Outputs left out, over 64 names or 64 KiB: ${toNames(leftOut)}`);
  return succeeded(outputs);
}

function toFailure(payload: string): Failed {
  const error = parseFunctionError(payload);
  const text = toErrorText(error);
  if (!error.timedOut) return failed({ code: "LAMBDA_FUNCTION_ERROR", message: text, retryable: true });
  const advice = "Raise the function's time-out (15 minutes at most) or split its work.";
  return failed({ code: "LAMBDA_TIMED_OUT", message: `${text}\n${advice}`, retryable: false });
}

function toNames(names: readonly string[]): string {
  const shown = names.slice(0, 10).map((name) => name.slice(0, 60));
  return names.length > shown.length ? `${shown.join(", ")} and ${names.length - shown.length} more` : shown.join(", ");
}
