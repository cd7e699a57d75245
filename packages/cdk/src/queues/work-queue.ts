import { Aws, type CfnCondition, Fn, Token } from "aws-cdk-lib";
import { CfnQueue, CfnQueuePolicy } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { findCondition, type Given, toCfnText } from "../given.ts";
import { present } from "../present.ts";
import type { QueueAddress } from "./queue-address.ts";

/** Settings of a queue. */
export interface WorkQueueProps {
  /** Without `.fifo`. Default: CloudFormation generates one. */
  readonly name?: string;
  /** Whether messages are ordered by group. Default: a standard queue. */
  readonly isFifo?: boolean | CfnCondition;
  /** Six times the time-out of the function that reads it, so that Lambda may retry a throttled batch. */
  readonly visibilitySeconds?: number;
  /** The queue for messages after this many deliveries. Default: the queue is one for dead letters, and keeps them for 14 days. */
  readonly deadLetterArn?: string;
  /** Default: 5. */
  readonly maxReceiveCount?: number;
  /** How long an unread message is kept. Default: 4 days. */
  readonly keptSeconds?: number;
  /** The customer managed key. Default: that of SQS. */
  readonly kmsKeyArn?: Given<string>;
  /** Additional senders besides the roles of its account. Default: none. */
  readonly toStatements?: (queueArn: string) => readonly object[];
  /** The condition under which the queue exists. */
  readonly condition?: CfnCondition | undefined;
}

/** Same as the apps' count of deliveries. */
export const MAX_RECEIVE_COUNT = 5;
const DAY_SECONDS = 86_400;

/** Creates a queue that is encrypted and denies calls without TLS. */
export function createWorkQueue(scope: Construct, id: string, props: WorkQueueProps): QueueAddress {
  const {
    name,
    isFifo = false,
    visibilitySeconds,
    deadLetterArn,
    kmsKeyArn,
    condition,
    maxReceiveCount = MAX_RECEIVE_COUNT,
    toStatements = () => [],
  } = props;
  const queue = new CfnQueue(scope, id, {
    ...present({ visibilityTimeout: visibilitySeconds, ...toKey(kmsKeyArn) }),
    ...present(name === undefined ? {} : toFifo(name, isFifo)),
    // A dead letter keeps its original age: the queue for dead letters must keep messages for longer.
    messageRetentionPeriod: props.keptSeconds ?? (deadLetterArn === undefined ? 14 : 4) * DAY_SECONDS,
    ...(deadLetterArn === undefined ? {} : { redrivePolicy: { deadLetterTargetArn: deadLetterArn, maxReceiveCount } }),
  });
  const policy = new CfnQueuePolicy(scope, `${id}Policy`, {
    queues: [queue.ref],
    policyDocument: {
      Version: "2012-10-17",
      Statement: [denyWithoutTls(queue.attrArn), ...toStatements(queue.attrArn)],
    },
  });
  for (const resource of [queue, policy]) {
    if (condition !== undefined) resource.cfnOptions.condition = condition;
  }
  return { arn: queue.attrArn, url: queue.ref, name: queue.attrQueueName };
}

/** The maximum throughput of SQS: order and deduplication apply within a group. */
const IN_ORDER = { fifoQueue: true, deduplicationScope: "messageGroup", fifoThroughputLimit: "perMessageGroupId" };

/** CloudFormation rejects `FifoQueue: false`; the property must be absent. */
function toFifo(name: string, isFifo: boolean | CfnCondition) {
  if (isFifo === false) return { queueName: name };
  if (isFifo === true) return { queueName: `${name}.fifo`, ...IN_ORDER };
  const choose = (inOrder: unknown, others: unknown) => Fn.conditionIf(isFifo.logicalId, inOrder, others);
  const only = (value: unknown) => choose(value, Aws.NO_VALUE);
  return {
    queueName: Token.asString(choose(`${name}.fifo`, name)),
    fifoQueue: only(IN_ORDER.fifoQueue),
    deduplicationScope: Token.asString(only(IN_ORDER.deduplicationScope)),
    fifoThroughputLimit: Token.asString(only(IN_ORDER.fifoThroughputLimit)),
  };
}

/** SQS accepts only one of them. */
function toKey(kmsKeyArn: Given<string> | undefined) {
  if (kmsKeyArn === undefined) return { sqsManagedSseEnabled: true };
  const condition = findCondition(kmsKeyArn);
  const customers = { kmsMasterKeyId: toCfnText(kmsKeyArn) };
  if (condition === undefined) return customers;
  return { ...customers, sqsManagedSseEnabled: Fn.conditionIf(condition.logicalId, Aws.NO_VALUE, true) };
}

function denyWithoutTls(arn: string) {
  return {
    Sid: "OnlyWithTls",
    Effect: "Deny",
    Principal: "*",
    Action: "sqs:*",
    Resource: arn,
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}
