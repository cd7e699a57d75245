import { CfnRule } from "aws-cdk-lib/aws-events";
import { CfnPermission } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

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

  constructor(scope: Construct, id: string, props: CallFunctionProps) {
    super(scope, id);
    const { description, functionName, functionArn, eventPattern, eventBusName, schedule } = props;
    const { state = "ENABLED" } = props;
    const rule = new CfnRule(this, "Rule", {
      description,
      state,
      targets: [{ id: "Function", arn: functionArn }],
      ...(eventPattern === undefined ? {} : { eventPattern }),
      ...(eventBusName === undefined ? {} : { eventBusName }),
      ...(schedule === undefined ? {} : { scheduleExpression: schedule }),
    });
    new CfnPermission(this, "Permission", {
      action: "lambda:InvokeFunction",
      functionName,
      principal: "events.amazonaws.com",
      sourceArn: rule.attrArn,
    });
    this.ruleName = rule.ref;
  }
}
