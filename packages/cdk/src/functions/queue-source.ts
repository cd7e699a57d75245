import type { CfnCondition } from "aws-cdk-lib";
import { CfnEventSourceMapping } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { type Given, toCfn } from "../given.ts";

/** How a function receives the messages of a queue. */
export interface QueueSourceProps {
  readonly functionName: string;
  readonly queueArn: string;
  /** At most ten; each message may fail separately. */
  readonly batchSize: number;
  /** Concurrent calls for this queue; at least 2. Default: no limit. */
  readonly maxConcurrency?: Given<number> | undefined;
  readonly condition?: CfnCondition;
}

/** Calls a function with batches of a queue; the function reports failures per message. */
export function createQueueSource(scope: Construct, id: string, props: QueueSourceProps): CfnEventSourceMapping {
  const { functionName, queueArn, batchSize, maxConcurrency, condition } = props;
  const source = new CfnEventSourceMapping(scope, id, {
    eventSourceArn: queueArn,
    functionName,
    batchSize,
    functionResponseTypes: ["ReportBatchItemFailures"],
    ...(maxConcurrency === undefined
      ? {}
      : { scalingConfig: toCfn(maxConcurrency, (maximumConcurrency) => ({ maximumConcurrency })) }),
  });
  if (condition !== undefined) source.cfnOptions.condition = condition;
  return source;
}
