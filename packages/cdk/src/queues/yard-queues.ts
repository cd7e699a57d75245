import type { CfnCondition } from "aws-cdk-lib";
import { Construct } from "constructs";
import { STATE_MANAGER_TIMEOUT_SECONDS, TASK_RUNNER_TIMEOUT_SECONDS } from "../functions/timeouts.ts";
import { type Given, onlyIf } from "../given.ts";
import { type EventSenders, letSend, subscribeToTopic } from "./event-senders.ts";
import type { QueueAddress } from "./queue-address.ts";
import { createWorkQueue } from "./work-queue.ts";

/** How a yard's queues are made. */
export interface YardQueuesProps {
  /** Before the names. Default: none, so that they are `stack-events`, `stack-tasks` and so on. */
  readonly prefix?: string;
  /** Events of a stack in the order in which they were sent. Default: a standard queue, which mostly keeps it. */
  readonly keepsOrder?: boolean | CfnCondition;
  /** Six times what an invocation of the state manager may take. Default: 360. */
  readonly eventVisibilitySeconds?: number;
  /** Six times what an invocation of the runner may take. Default: 5400. */
  readonly taskVisibilitySeconds?: number;
  /** Whether there is a queue for tasks that do not fit a function's time. Default: no. */
  readonly hasLongTasks?: boolean | CfnCondition;
  /** Who sends events besides the roles of the yard's account. Default: nobody. */
  readonly eventSenders?: EventSenders;
  /** The customer's key. Default: the one of SQS. */
  readonly kmsKeyArn?: Given<string>;
}

/** Lambda may retry a throttled batch within six times the time-out. */
export const TIMES_TIMEOUT = 6;
/** A container renews the visibility while it works: a message stays hidden this long when the container dies. */
const CONTAINER_VISIBILITY_SECONDS = 120;

/** Due work is in the store: a lost tick comes again. */
const TICK_SECONDS = 3_600;

/** The queues of a yard, each with its queue for dead letters. */
export class YardQueues extends Construct {
  readonly events: QueueAddress;
  readonly tasks: QueueAddress;
  /** What is due soon waits here. */
  readonly ticks: QueueAddress;
  readonly longTasks?: Given<QueueAddress>;
  readonly eventDeadLetters: QueueAddress;
  /** Of both queues of tasks. */
  readonly taskDeadLetters: QueueAddress;
  readonly tickDeadLetters: QueueAddress;

  constructor(scope: Construct, id: string, props: YardQueuesProps) {
    super(scope, id);
    const { prefix = "", keepsOrder: isFifo = false, hasLongTasks = false, eventSenders = {}, kmsKeyArn } = props;
    const eventSeconds = props.eventVisibilitySeconds ?? TIMES_TIMEOUT * STATE_MANAGER_TIMEOUT_SECONDS;
    const taskSeconds = props.taskVisibilitySeconds ?? TIMES_TIMEOUT * TASK_RUNNER_TIMEOUT_SECONDS;
    const key = kmsKeyArn === undefined ? {} : { kmsKeyArn };
    const make = (queueId: string, name: string, more: Partial<Parameters<typeof createWorkQueue>[2]> = {}) =>
      createWorkQueue(this, queueId, { name: `${prefix}${name}`, ...key, ...more });

    // A FIFO queue needs a FIFO queue for its dead letters.
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
