import { InvocationType, InvokeCommand, LogType } from "@aws-sdk/client-lambda";
import { type ExecutorContext, type Failed, failed } from "@stackyard/core";
import type { FunctionAnswer } from "./function-answer.ts";
import { InvokeClient } from "./invoke-client.ts";
import type { InvokeInput } from "./invoke-input.ts";
import { toLogLines } from "./log-tail.ts";
import { toCallFailure } from "./to-call-failure.ts";

/**
 * Calls a deployed function once and waits for its answer. Invoke has no idempotency token: when an attempt is delivered
 * again, the function is called again. The end of `ctx.signal` ends the wait; a function that runs cannot be stopped.
 */
export async function invokeInAws(
  ctx: ExecutorContext,
  { name, payload }: InvokeInput,
): Promise<FunctionAnswer | Failed> {
  const lambda = ctx.aws(InvokeClient);
  const request = {
    FunctionName: name,
    InvocationType: InvocationType.RequestResponse,
    LogType: LogType.Tail,
    Payload: Buffer.from(payload),
  };
  try {
    const answer = await lambda.send(new InvokeCommand(request), { abortSignal: ctx.signal });
    for (const line of toLogLines(answer.LogResult)) ctx.report(line);
    const text = answer.Payload?.transformToString() ?? "";
    return answer.FunctionError ? { functionError: answer.FunctionError, payload: text } : { payload: text };
  } catch (error) {
    return ctx.signal.aborted ? toCancelled(name) : toCallFailure(name, error);
  }
}

function toCancelled(name: string): Failed {
  return failed({
    code: "LAMBDA_CANCELLED",
    message: `Stopped waiting for "${name}". Lambda cannot stop a function: it may run on until its end or its time-out.`,
    retryable: false,
  });
}
