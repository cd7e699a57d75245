import type { ExecutorContext } from "@stackyard/core";
import { parseFunctionName } from "./function-name.ts";
import type { LocalFunction } from "./local-function.ts";

/** What a handler learns of its call, besides the time that is left. */
export interface InvocationContext {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  /** Made of the idempotency key, so a redelivered attempt has the same: a function can tell it by this. */
  readonly awsRequestId: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
}

const NO_TARGET = { partition: "aws", region: "local", account: "000000000000" };

/** The context of a local call, with an ARN of the target where the task has one. */
export function toInvocationContext(
  ctx: Pick<ExecutorContext, "target" | "idempotencyKey">,
  { name, memoryMb }: LocalFunction,
  calledName: string,
): InvocationContext {
  const { partition, region, account } = ctx.target ?? NO_TARGET;
  const { qualifier } = parseFunctionName(calledName);
  const arn = `arn:${partition}:lambda:${region}:${account}:function:${name}`;
  return {
    functionName: name,
    functionVersion: "$LATEST",
    invokedFunctionArn: qualifier === undefined ? arn : `${arn}:${qualifier}`,
    memoryLimitInMB: String(memoryMb),
    awsRequestId: toUuid(ctx.idempotencyKey),
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: "local",
  };
}

function toUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
