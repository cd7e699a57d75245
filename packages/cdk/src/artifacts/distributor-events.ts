import { Aws, Fn } from "aws-cdk-lib";
import { Construct } from "constructs";
import { CallFunction } from "../functions/call-function.ts";
import { findCondition, type Given, toValue } from "../given.ts";
import { CONSUMER_SOURCE } from "./receipt-bus.ts";

/** The events that call the function of a distributor. */
export interface DistributorEventsProps {
  readonly functionName: string;
  readonly functionArn: string;
  readonly bucket: string;
  /** Empty: the whole bucket. */
  readonly uploadPrefix?: Given<string> | undefined;
  readonly receiptBusName: string;
}

/** Rules for manifests and uploads, for receipts, and for overdue work. */
export class DistributorEvents extends Construct {
  constructor(scope: Construct, id: string, props: DistributorEventsProps) {
    super(scope, id);
    const { functionName, functionArn, receiptBusName } = props;
    const called = { functionName, functionArn };
    new CallFunction(this, "Published", {
      ...called,
      description: "Tells the distributor of manifests, and of files that others have uploaded.",
      eventPattern: toObjectPattern(props),
    });
    new CallFunction(this, "Received", {
      ...called,
      eventBusName: receiptBusName,
      description: "Tells the distributor what became of artifacts.",
      eventPattern: { source: [CONSUMER_SOURCE] },
    });
    new CallFunction(this, "Sweep", {
      ...called,
      schedule: "rate(5 minutes)",
      description: "Lets the distributor see what is overdue, and go on with what was broken off.",
    });
  }
}

/** The manifest is written last: the event for it publishes the artifact. */
function toObjectPattern({ bucket, uploadPrefix }: DistributorEventsProps): object {
  const uploads = uploadPrefix === undefined ? [] : [toPrefixTest(uploadPrefix)];
  return {
    source: ["aws.s3"],
    "detail-type": ["Object Created"],
    detail: { bucket: { name: [bucket] }, object: { key: [{ suffix: "/manifest.json" }, ...uploads] } },
  };
}

/** Patterns use EventBridge's spelling, in lower case. */
function toPrefixTest(uploadPrefix: Given<string>): unknown {
  const condition = findCondition(uploadPrefix);
  const test = { prefix: toValue(uploadPrefix) };
  return condition === undefined ? test : Fn.conditionIf(condition.logicalId, test, Aws.NO_VALUE);
}
