import { defined } from "@stackyard/core";
import type { CfnCondition } from "aws-cdk-lib";
import type { CfnAlarm } from "aws-cdk-lib/aws-cloudwatch";
import { CfnRule } from "aws-cdk-lib/aws-events";
import { CfnEventInvokeConfig, CfnEventSourceMapping, CfnPermission } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { type AlarmRule, createAlarm, FIVE_MINUTES } from "./alarm.ts";
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
  /** The alarm on events that did not come, where the function counts them. Default: none. */
  readonly unseen?: AlarmRule;
}

/** A rule of EventBridge that calls a function, with the permission to do so, and with the alarms that tell when it does not. */
export class CallFunction extends Construct {
  readonly functionName: string;
  /** They notify no topic by themselves: the alarms of the function add theirs. */
  readonly alarms: readonly CfnAlarm[];

  constructor(scope: Construct, id: string, props: CallFunctionProps) {
    super(scope, id);
    const ruleName = createRule(this, props);
    this.functionName = props.functionName;
    const { schedule, eventBusName, unseen } = props;
    const delivery = toDeliveryRule(defined({ RuleName: ruleName, EventBusName: eventBusName }));
    this.alarms = [
      schedule === undefined
        ? createAlarm(this, "Undelivered", delivery, undefined)
        : createAlarm(this, "Stands", toScheduleRule(ruleName), undefined),
      ...(unseen === undefined ? [] : [createAlarm(this, "Unseen", unseen, undefined)]),
    ];
  }
}

/** Returns the rule for a schedule: without its calls nothing else would be red. */
function toScheduleRule(RuleName: string): AlarmRule {
  return {
    description:
      "The schedule does not call its function: what is due runs late, and metrics are missing. Check whether its EventBridge rule is disabled.",
    metric: { namespace: "AWS/Events", metricName: "Invocations", statistic: "Sum", dimensions: { RuleName } },
    limit: { below: 1 },
    periodSeconds: FIVE_MINUTES,
    periods: 2,
  };
}

/** Returns the rule for events, which may be rare: each that comes must reach the function. */
function toDeliveryRule(dimensions: Readonly<Record<string, string>>): AlarmRule {
  return {
    description:
      "Events do not reach their function. Check whether the EventBridge rule still names it, and whether its permission stands.",
    metric: { namespace: "AWS/Events", metricName: "FailedInvocations", statistic: "Sum", dimensions },
    limit: { above: 0 },
    periodSeconds: FIVE_MINUTES,
    periods: 1,
  };
}

/** Creates a rule and the permission of its target. Returns the rule's name. */
function createRule(scope: Construct, props: CallFunctionProps): string {
  const { description, functionName, functionArn, eventPattern, eventBusName, schedule, state = "ENABLED" } = props;
  const rule = new CfnRule(scope, "Rule", {
    description,
    state,
    targets: [{ id: "Function", arn: functionArn }],
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
export class MinuteSchedule extends CallFunction {
  constructor(scope: Construct, id: string, { functionName, functionArn }: MinuteScheduleProps) {
    super(scope, id, {
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
