import { defined } from "@stackyard/core";
import type { CfnCondition } from "aws-cdk-lib";
import { CfnRule } from "aws-cdk-lib/aws-events";
import { CfnEventInvokeConfig, CfnEventSourceMapping, CfnPermission } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { type Given, toCfn } from "./given.ts";

/** The options of a function that receives the messages of a queue. */
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
    ...defined({ scalingConfig: maxConcurrency === undefined ? undefined : toCfn(maxConcurrency, toScaling) }),
  });
  if (condition !== undefined) source.cfnOptions.condition = condition;
  return source;
}

function toScaling(maximumConcurrency: number): CfnEventSourceMapping.ScalingConfigProperty {
  return { maximumConcurrency };
}

/** Which events call which function. */
export interface CallFunctionProps {
  readonly description: string;
  readonly functionName: string;
  readonly functionArn: string;
  /** The event pattern. Set this or a schedule. */
  readonly eventPattern?: object;
  /** Default: the account's default bus. */
  readonly eventBusName?: string;
  /** Such as `rate(1 minute)`. */
  readonly schedule?: string;
  /** `ENABLED` or `DISABLED`. Default: `ENABLED`. */
  readonly state?: string;
}

/** A rule of EventBridge that calls a function, with the permission to do so. */
export class CallFunction extends Construct {
  readonly ruleName: string;
  readonly functionName: string;
  /** True for a rule with a schedule, which an alarm watches: without its calls nothing else would be red. */
  readonly isScheduled: boolean;

  constructor(scope: Construct, id: string, props: CallFunctionProps) {
    super(scope, id);
    this.ruleName = createRule(this, "Function", props);
    this.functionName = props.functionName;
    this.isScheduled = props.schedule !== undefined;
  }
}

/** Creates a rule and the permission of its target. Returns the rule's name. */
function createRule(scope: Construct, targetId: string, props: CallFunctionProps): string {
  const { description, functionName, functionArn, eventPattern, eventBusName, schedule, state = "ENABLED" } = props;
  const rule = new CfnRule(scope, "Rule", {
    description,
    state,
    targets: [{ id: targetId, arn: functionArn }],
    ...defined({ eventPattern, eventBusName, scheduleExpression: schedule }),
  });
  new CfnPermission(scope, "Permission", {
    action: "lambda:InvokeFunction",
    functionName,
    principal: "events.amazonaws.com",
    sourceArn: rule.attrArn,
  });
  return rule.ref;
}

/** The function to call. */
export type MinuteScheduleProps = Pick<CallFunctionProps, "functionName" | "functionArn">;

/**
 * Calls a function each minute, which then processes what is due. A failed call is not retried: the next one does the
 * same work.
 */
export class MinuteSchedule extends Construct {
  readonly ruleName: string;

  constructor(scope: Construct, id: string, { functionName, functionArn }: MinuteScheduleProps) {
    super(scope, id);
    this.ruleName = createRule(this, "StateManager", {
      functionName,
      functionArn,
      description: "Lets the state manager see what is due: timers, deadlines, polls, parked events, lost leases.",
      schedule: "rate(1 minute)",
    });
    new CfnEventInvokeConfig(this, "Retries", {
      functionName,
      qualifier: "$LATEST",
      maximumEventAgeInSeconds: 60,
      maximumRetryAttempts: 0,
    });
  }
}
