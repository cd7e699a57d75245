import { CfnEventBus, CfnEventBusPolicy } from "aws-cdk-lib/aws-events";
import { Construct } from "constructs";
import { findCondition, type Given, toValue } from "../given.ts";
import { type TrustedConsumers, type TrustStatement, toTrustStatements } from "./trusted-consumers.ts";

/** The senders of receipts. */
export interface ReceiptBusProps {
  readonly name: string;
  readonly trusted: TrustedConsumers;
}

/** The source that consumers set in their events. EventBridge adds their account to each event. */
export const CONSUMER_SOURCE = "stackyard.consumer";

/** The event bus of receipts. */
export class ReceiptBus extends Construct {
  readonly busName: string;
  readonly busArn: string;

  constructor(scope: Construct, id: string, { name, trusted }: ReceiptBusProps) {
    super(scope, id);
    // Without a description, which us-gov-west-1 does not support.
    const bus = new CfnEventBus(this, "ReceiptBus", { name });
    this.busName = bus.ref;
    this.busArn = bus.attrArn;
    const statements = toTrustStatements(trusted, {
      sid: "ReceiptsOf",
      actions: ["events:PutEvents"],
      resources: [this.busArn],
      conditions: { StringEquals: { "events:source": CONSUMER_SOURCE } },
    });
    for (const given of statements) this.#add(given);
  }

  /** Each statement is a separate resource here, so that it can depend on a condition. */
  #add(given: Given<TrustStatement>): void {
    const statement = toValue(given);
    const policy = new CfnEventBusPolicy(this, statement.Sid, {
      eventBusName: this.busName,
      statementId: statement.Sid,
      statement,
    });
    const condition = findCondition(given);
    if (condition !== undefined) policy.cfnOptions.condition = condition;
  }
}
