import type { CfnCondition } from "aws-cdk-lib";
import { CfnEventSourceMapping } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { type Given, toCfn } from "../given.ts";

/** How a function is called with the messages of a queue. */
export interface QueueSourceProps {
  readonly functionName: string;
  readonly queueArn: string;
  /** At most ten: a message of each may fail without the others. */
  readonly batchSize: number;
  /** Calls at a time for this queue; at least 2. Default: as many as Lambda makes. */
  readonly maxConcurrency?: Given<number> | undefined;
  readonly condition?: CfnCondition;
}

/** Calls a function with batches of a queue; what failed of a batch is reported by message. */
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
