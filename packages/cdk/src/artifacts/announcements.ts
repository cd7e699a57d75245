import { defined } from "@stackyard/core";
import { Aws, Fn, type IResolvable } from "aws-cdk-lib";
import { CfnEventBus, CfnEventBusPolicy } from "aws-cdk-lib/aws-events";
import { CfnTopic, CfnTopicPolicy } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { CallFunction } from "../function-triggers.ts";
import { findCondition, type Given, mapGiven, toCfn, toCfnText, toValue } from "../given.ts";

/** The roles and accounts that publish and subscribe. */
export interface AnnouncementsProps {
  readonly trusted: TrustedConsumers;
  /** The customer managed key of the topic. */
  readonly keyArn?: Given<string> | undefined;
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: as IAM reads it.
const OWN_QUEUES = "arn:*:sqs:*:${aws:PrincipalAccount}:*";

/** A topic's policy does not accept `sns:*`: "Policy statement action out of service scope". */
const WITH_TLS = ["sns:Publish", "sns:Subscribe"];

/** The topic of announcements. A consumer may only subscribe queues of its own account to it. */
export class Announcements extends Construct {
  readonly topicArn: string;
  readonly topicName: string;
  readonly #trusted: TrustedConsumers;

  constructor(scope: Construct, id: string, { trusted, keyArn }: AnnouncementsProps) {
    super(scope, id);
    const topic = new CfnTopic(this, "DistributionTopic", {
      displayName: "Stackyard: artifacts",
      ...defined({ kmsMasterKeyId: keyArn === undefined ? undefined : toCfnText(keyArn) }),
    });
    this.topicArn = topic.ref;
    this.topicName = topic.attrTopicName;
    this.#trusted = trusted;
  }

  /** Creates the topic's policy: only that role publishes. */
  letPublish(publisherArn: string): void {
    new CfnTopicPolicy(this, "DistributionTopicPolicy", {
      topics: [this.topicArn],
      policyDocument: {
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "PublishAlone",
            Effect: "Deny",
            Principal: "*",
            Action: "sns:Publish",
            Resource: this.topicArn,
            Condition: { ArnNotEquals: { "aws:PrincipalArn": publisherArn } },
          },
          {
            Sid: "TlsOnly",
            Effect: "Deny",
            Principal: "*",
            Action: WITH_TLS,
            Resource: this.topicArn,
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
          ...letConsumers(this.#trusted, {
            sid: "Subscribe",
            actions: ["sns:Subscribe"],
            resources: [this.topicArn],
            conditions: {
              StringEquals: { "sns:Protocol": "sqs" },
              StringLike: { "sns:Endpoint": OWN_QUEUES },
            },
          }),
        ],
      },
    });
  }
}

/** The consumers that a distributor serves: accounts, an organization, or both. */
export interface TrustedConsumers {
  /** Accounts, by their numbers. The trust of a role, 2,048 characters, has space for some 40. */
  readonly accounts?: Given<readonly string[]>;
  /** All accounts of an organisation. */
  readonly organizationId?: Given<string>;
}

type Tests = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The actions that they may call. */
export interface ConsumerRight {
  readonly sid: string;
  readonly actions: readonly string[];
  /** Default: none, as in the policy of a role. */
  readonly resources?: readonly unknown[];
  readonly conditions?: Tests;
  /** The external id that they must pass when they assume a role. */
  readonly externalId?: Given<string> | undefined;
  /** True names accounts as principals. Default: as a condition. */
  readonly fixed?: boolean;
}

/** A statement of a policy of a resource. */
export interface TrustStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Principal: object;
  readonly Action: readonly string[];
  readonly Resource?: readonly unknown[];
  readonly Condition?: Tests | IResolvable;
}

/** Returns the statements for a policy, some of which may depend on conditions of the template. */
export function letConsumers(trusted: TrustedConsumers, right: ConsumerRight): readonly unknown[] {
  return toTrustStatements(trusted, right).map((given) => toCfn(given, (statement) => statement));
}

/**
 * Returns one statement for the accounts and one for the organization, each as a condition: as a principal, a closed
 * account would make the whole policy invalid at its next update (hashicorp/terraform-provider-aws#26041). Both exclude
 * services, for which the keys are empty (IAM, "AWS global condition context keys"). `fixed`, for the policy of a bucket: S3 counts
 * `aws:PrincipalOrgID` among the conditions that make a policy not public, and not `aws:PrincipalAccount` (API reference,
 * "PublicAccessBlockConfiguration"), so there the accounts are principals, and a closed one must be removed from the list.
 */
export function toTrustStatements(trusted: TrustedConsumers, right: ConsumerRight): readonly Given<TrustStatement>[] {
  const { accounts, organizationId } = trusted;
  const of = (who: string, test: Readonly<Record<string, unknown>>) => {
    const { sid, conditions, externalId } = right;
    const said = externalId === undefined ? undefined : toCfnText(externalId);
    const own = defined({ "sts:ExternalId": said, ...test });
    const StringEquals = { ...conditions?.["StringEquals"], ...own };
    return toStatement({ ...right, sid: `${sid}${who}` }, { AWS: "*" }, { ...conditions, StringEquals });
  };
  const ofAccounts = (ids: unknown) => {
    if (right.fixed !== true) return of("Accounts", { "aws:PrincipalAccount": ids });
    return toStatement({ ...right, sid: `${right.sid}Accounts` }, { AWS: ids }, right.conditions);
  };
  return [
    ...(accounts === undefined ? [] : [mapGiven(accounts, ofAccounts)]),
    ...(organizationId === undefined
      ? []
      : [mapGiven(organizationId, (id) => of("Organization", { "aws:PrincipalOrgID": id }))]),
  ];
}

function toStatement(
  { sid, actions, resources }: ConsumerRight,
  Principal: object,
  tests?: Tests | IResolvable,
): TrustStatement {
  return {
    Sid: sid,
    Effect: "Allow",
    Principal,
    Action: actions,
    ...defined({ Resource: resources, Condition: tests }),
  };
}

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

  /** Adds a statement as a separate resource, so that it can depend on a condition. */
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
      description: "Lets the distributor detect overdue artifacts and continue interrupted work.",
    });
  }
}

/** Returns the event pattern. The manifest is written last: the event for it publishes the artifact. */
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
