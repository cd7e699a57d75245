import { CfnTopic, CfnTopicPolicy } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { type Given, toCfnText } from "../given.ts";
import { letConsumers, type TrustedConsumers } from "./trusted-consumers.ts";

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
      ...(keyArn === undefined ? {} : { kmsMasterKeyId: toCfnText(keyArn) }),
    });
    this.topicArn = topic.ref;
    this.topicName = topic.attrTopicName;
    this.#trusted = trusted;
  }

  /** The topic's policy: only that role publishes. */
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
