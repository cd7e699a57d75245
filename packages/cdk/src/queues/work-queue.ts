import { Aws, type CfnCondition, Fn, Token } from "aws-cdk-lib";
import { CfnQueue, CfnQueuePolicy } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { findCondition, type Given, toCfnText } from "../given.ts";
import { present } from "../present.ts";
import type { QueueAddress } from "./queue-address.ts";

/** How a queue is made. */
export interface WorkQueueProps {
  /** Without `.fifo`. Default: CloudFormation gives one. */
  readonly name?: string;
  /** In order by group. Default: a standard queue. */
  readonly isFifo?: boolean | CfnCondition;
  /** Six times the time-out of the function that reads it, so that Lambda may retry a batch that was throttled. */
  readonly visibilitySeconds?: number;
  /** Where messages go after so many deliveries. Default: the queue is one for dead letters, and keeps them for 14 days. */
  readonly deadLetterArn?: string;
  /** Default: 5. */
  readonly maxReceiveCount?: number;
  /** How long a message is kept that nobody reads. Default: 4 days. */
  readonly keptSeconds?: number;
  /** The customer's key. Default: that of SQS. */
  readonly kmsKeyArn?: Given<string>;
  /** Who may send besides the roles of its account. Default: nobody. */
  readonly toStatements?: (queueArn: string) => readonly object[];
  /** The queue is there only then. */
  readonly condition?: CfnCondition | undefined;
}

/** As the apps count deliveries. */
export const MAX_RECEIVE_COUNT = 5;
const DAY_SECONDS = 86_400;

/** Makes a queue, encrypted, and closed to calls without TLS. */
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
    // A letter keeps the age that it had: the queue for dead letters must keep messages for longer.
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

/** As many messages as SQS can: what is ordered and known again is so within a group. */
const IN_ORDER = { fifoQueue: true, deduplicationScope: "messageGroup", fifoThroughputLimit: "perMessageGroupId" };

/** CloudFormation refuses `FifoQueue: false`; the property must be absent. */
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

/** SQS takes one or the other. */
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
