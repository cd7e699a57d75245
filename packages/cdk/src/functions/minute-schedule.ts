import { CfnRule } from "aws-cdk-lib/aws-events";
import { CfnEventInvokeConfig, CfnPermission } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

/** The function to call. */
export interface MinuteScheduleProps {
  readonly functionName: string;
  readonly functionArn: string;
}

/**
 * Calls a function each minute, which then processes what is due. A failed call is not retried: the next one does the
 * same work.
 */
export class MinuteSchedule extends Construct {
  readonly ruleName: string;

  constructor(scope: Construct, id: string, { functionName, functionArn }: MinuteScheduleProps) {
    super(scope, id);
    const rule = new CfnRule(this, "Rule", {
      description: "Lets the state manager see what is due: timers, deadlines, polls, parked events, lost leases.",
      scheduleExpression: "rate(1 minute)",
      state: "ENABLED",
      targets: [{ id: "StateManager", arn: functionArn }],
    });
    new CfnPermission(this, "Permission", {
      action: "lambda:InvokeFunction",
      functionName,
      principal: "events.amazonaws.com",
      sourceArn: rule.attrArn,
    });
    new CfnEventInvokeConfig(this, "Retries", {
      functionName,
      qualifier: "$LATEST",
      maximumEventAgeInSeconds: 60,
      maximumRetryAttempts: 0,
    });
    this.ruleName = rule.ref;
  }
}
