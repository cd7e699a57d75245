import { defined } from "@stackyard/core";
import { Aws, type CfnCondition, Fn, Token } from "aws-cdk-lib";
import { CfnSubscription } from "aws-cdk-lib/aws-sns";
import { CfnQueue, CfnQueuePolicy } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { STATE_MANAGER_TIMEOUT_SECONDS, TASK_RUNNER_TIMEOUT_SECONDS } from "./app-function.ts";
import { findCondition, type Given, mapGiven, onlyIf, toCfn, toCfnText, toValue } from "./given.ts";

/** The options of a yard's queues. */
export interface YardQueuesProps {
  /** Prefix of the names. Default: none, so that they are `stack-events`, `stack-tasks` and so on. */
  readonly prefix?: string;
  /** True to keep the order of a stack's events. Default: false, a standard queue, which mostly keeps it. */
  readonly keepsOrder?: boolean | CfnCondition;
  /** Six times what an invocation of the runner may take. Default: 5400. */
  readonly taskVisibilitySeconds?: number;
  /** Adds a queue for tasks that do not fit a function's time. Default: no. */
  readonly hasLongTasks?: boolean | CfnCondition;
  /** Senders of events, in addition to the roles of the yard's account. Default: none. */
  readonly eventSenders?: EventSenders;
  /** The customer's key. Default: the one of SQS. */
  readonly kmsKeyArn?: Given<string>;
}

/** Lambda may retry a throttled batch within six times the timeout. */
export const TIMES_TIMEOUT = 6;
/** A container renews the visibility while it works: a message stays hidden that long when the container dies. */
const CONTAINER_VISIBILITY_SECONDS = 120;

/** Due work is in the store: a lost tick comes again. */
const TICK_SECONDS = 3_600;

/** The queues of a yard, each with its dead-letter queue. */
export class YardQueues extends Construct {
  readonly events: QueueAddress;
  readonly tasks: QueueAddress;
  /** The queue of work that is due soon. */
  readonly ticks: QueueAddress;
  readonly longTasks?: Given<QueueAddress>;
  readonly eventDeadLetters: QueueAddress;
  /** The dead-letter queue of both queues of tasks. */
  readonly taskDeadLetters: QueueAddress;
  readonly tickDeadLetters: QueueAddress;

  constructor(scope: Construct, id: string, props: YardQueuesProps) {
    super(scope, id);
    const { prefix = "", keepsOrder: isFifo = false, hasLongTasks = false, eventSenders = {}, kmsKeyArn } = props;
    const eventSeconds = TIMES_TIMEOUT * STATE_MANAGER_TIMEOUT_SECONDS;
    const taskSeconds = props.taskVisibilitySeconds ?? TIMES_TIMEOUT * TASK_RUNNER_TIMEOUT_SECONDS;
    const make = (queueId: string, name: string, more: Partial<WorkQueueProps> = {}) =>
      createWorkQueue(this, queueId, { name: `${prefix}${name}`, ...defined({ kmsKeyArn }), ...more });

    // A FIFO queue requires a FIFO dead-letter queue.
    this.eventDeadLetters = make("EventDeadLettersQueue", "event-dead-letters", { isFifo });
    this.taskDeadLetters = make("TaskDeadLettersQueue", "task-dead-letters");
    this.tickDeadLetters = make("TickDeadLettersQueue", "tick-dead-letters");
    this.events = make("EventQueue", "stack-events", {
      isFifo,
      visibilitySeconds: eventSeconds,
      deadLetterArn: this.eventDeadLetters.arn,
      toStatements: (queueArn) => letSend(queueArn, eventSenders),
    });
    if (eventSenders.topicArn !== undefined)
      subscribeToTopic(this, "EventSubscription", this.events.arn, eventSenders.topicArn);
    this.tasks = make("TaskQueue", "stack-tasks", {
      visibilitySeconds: taskSeconds,
      deadLetterArn: this.taskDeadLetters.arn,
    });
    this.ticks = make("TickQueue", "stack-ticks", {
      visibilitySeconds: eventSeconds,
      deadLetterArn: this.tickDeadLetters.arn,
      keptSeconds: TICK_SECONDS,
    });
    const condition = typeof hasLongTasks === "boolean" ? undefined : hasLongTasks;
    if (hasLongTasks === false) return;
    const longTasks = make("LongTaskQueue", "stack-long-tasks", {
      visibilitySeconds: CONTAINER_VISIBILITY_SECONDS,
      deadLetterArn: this.taskDeadLetters.arn,
      condition,
    });
    this.longTasks = condition === undefined ? longTasks : onlyIf(condition, longTasks);
  }
}

/** Senders of events in addition to roles and users of the yard's own account, which need only their own policies. */
export interface EventSenders {
  /** A topic of SNS in front of the queue, which is subscribed to it. A FIFO queue takes a FIFO topic. */
  readonly topicArn?: Given<string>;
  /** Rules of EventBridge that target the queue. */
  readonly ruleArns?: Given<readonly string[]>;
  /** The principals of other accounts: an account's number, or the ARN of a role or user. */
  readonly principals?: Given<readonly string[]>;
}

/**
 * Returns the statements of the queue's policy that let them send. A queue has one policy, so it also contains the
 * statement that denies calls without TLS. A service may send only for the named resources, because every account can
 * have a topic or a rule.
 */
export function letSend(queueArn: string, { topicArn, ruleArns, principals }: EventSenders): readonly object[] {
  const services = [
    topicArn && mapGiven(topicArn, (arn) => ofService("Topic", "sns", arn)),
    ruleArns && mapGiven(ruleArns, (arns) => ofService("Rules", "events", arns)),
    principals && mapGiven(principals, (AWS) => ({ Sid: "OtherAccounts", Principal: { AWS } })),
  ];
  return services.flatMap((given) => {
    if (given === undefined || given === "") return [];
    const allowed = mapGiven<object, object>(given, (who) => ({
      ...who,
      Effect: "Allow",
      Action: "sqs:SendMessage",
      Resource: queueArn,
    }));
    return [toCfn(allowed, (statement) => statement)];
  });
}

/** Subscribes a queue to a topic, with raw messages. The topic may be in another region. */
export function subscribeToTopic(scope: Construct, id: string, queueArn: string, topicArn: Given<string>): void {
  const arn = toValue(topicArn);
  const subscription = new CfnSubscription(scope, id, {
    topicArn: arn,
    region: Fn.select(3, Fn.split(":", arn)),
    protocol: "sqs",
    endpoint: queueArn,
    rawMessageDelivery: true,
  });
  const condition = findCondition(topicArn);
  if (condition !== undefined) subscription.cfnOptions.condition = condition;
}

function ofService(sid: string, service: string, sources: string | readonly string[]): object {
  return {
    Sid: sid,
    Principal: { Service: `${service}.amazonaws.com` },
    Condition: { ArnEquals: { "aws:SourceArn": sources } },
  };
}

/** Settings of a queue. */
export interface WorkQueueProps {
  /** Without `.fifo`. Default: CloudFormation generates one. */
  readonly name?: string;
  /** Orders messages by group. Default: a standard queue. */
  readonly isFifo?: boolean | CfnCondition;
  /** Six times the timeout of the function that reads it, so that Lambda may retry a throttled batch. */
  readonly visibilitySeconds?: number;
  /**
   * The queue for messages after this many deliveries. Default: the queue itself is for dead letters, and keeps them
   * for 14 days.
   */
  readonly deadLetterArn?: string;
  /** Default: 5. */
  readonly maxReceiveCount?: number;
  /** The time that an unread message is kept. Default: 4 days. */
  readonly keptSeconds?: number;
  /** The customer managed key. Default: that of SQS. */
  readonly kmsKeyArn?: Given<string>;
  /** Returns statements for senders in addition to the roles of its account. Default: none. */
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
    ...defined({
      visibilityTimeout: visibilitySeconds,
      redrivePolicy: deadLetterArn === undefined ? undefined : { deadLetterTargetArn: deadLetterArn, maxReceiveCount },
    }),
    ...toKey(kmsKeyArn),
    ...(name === undefined ? {} : toFifo(name, isFifo)),
    // A dead letter keeps its original age: the queue for dead letters must keep messages for longer.
    messageRetentionPeriod: props.keptSeconds ?? (deadLetterArn === undefined ? 14 : 4) * DAY_SECONDS,
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

/** Returns the FIFO properties. CloudFormation rejects `FifoQueue: false`; the property must be absent. */
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

/** Returns the encryption; SQS accepts only one kind. */
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

/** A queue, as functions and policies name it. */
export interface QueueAddress {
  readonly arn: string;
  readonly url: string;
  readonly name: string;
}

/** Returns the address of another stack's queue, from its ARN. */
export function toQueueAddress(arn: string): QueueAddress {
  const part = (index: number) => Fn.select(index, Fn.split(":", arn));
  const name = part(5);
  return { arn, name, url: `https://sqs.${part(3)}.${Aws.URL_SUFFIX}/${part(4)}/${name}` };
}
