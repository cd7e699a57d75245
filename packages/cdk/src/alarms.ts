import { Stack } from "aws-cdk-lib";
import { Construct } from "constructs";
import {
  type AlarmMetric,
  type AlarmRule,
  type AlarmTopics,
  createAlarm,
  FIVE_MINUTES,
  notifyTopics,
  toQueueMetric,
} from "./alarm.ts";
import { CallFunction } from "./function-triggers.ts";
import { findCondition, type Given, toValue } from "./given.ts";
import type { QueueAddress, YardQueues } from "./queues.ts";

/** Settings of a yard's alarms. */
export interface YardAlarmSettings {
  /** Topics that are notified when an alarm starts and when it ends. Default: none. */
  readonly topicArns?: AlarmTopics;
  /** The longest time that an event may wait. Default: 300. */
  readonly eventWaitSeconds?: number;
  /** The longest time that a task may wait for a runner. Default: 1800. */
  readonly taskWaitSeconds?: number;
}

/** The resources to watch. */
export interface YardAlarmsProps extends YardAlarmSettings {
  readonly yardName: string;
  readonly queues: Pick<
    YardQueues,
    "events" | "tasks" | "longTasks" | "eventDeadLetters" | "taskDeadLetters" | "tickDeadLetters"
  >;
  /** Functions that must neither fail nor be throttled, by the names of their alarms. */
  readonly functions: Readonly<Record<string, { readonly name: string }>>;
}

const MINUTE = 60;
const EVENT_WAIT_SECONDS = 300;
/** A running task counts as well: its message stays in the queue until the task is done. */
const TASK_WAIT_SECONDS = 1_800;

/** Alarms that require a person: dead letters, blocked queues, stalled stacks, failing functions. */
export class YardAlarms extends Construct {
  constructor(scope: Construct, id: string, props: YardAlarmsProps) {
    super(scope, id);
    const { queues, functions, topicArns } = props;
    const { eventWaitSeconds = EVENT_WAIT_SECONDS, taskWaitSeconds = TASK_WAIT_SECONDS } = props;
    const add = (alarmId: string, rule: AlarmRule) => createAlarm(this, alarmId, rule, topicArns);
    add("EventDeadLetters", toLetterRule(queues.eventDeadLetters));
    add("TaskDeadLetters", toLetterRule(queues.taskDeadLetters));
    add("TickDeadLetters", toLetterRule(queues.tickDeadLetters));
    add("EventsWait", toWaitRule(queues.events, eventWaitSeconds));
    add("TasksWait", toWaitRule(queues.tasks, taskWaitSeconds));
    if (queues.longTasks !== undefined) add("LongTasksWait", toLongRule(queues.longTasks));
    add("StalledStacks", toStalledRule(props.yardName));
    new FunctionAlarms(this, "Functions", { functions, topicArns });
  }
}

function toLetterRule({ name }: QueueAddress): AlarmRule {
  return {
    description: `Dead letters in ${name}: they are no longer processed. Each contains its reason. Correct the cause, then redrive them.`,
    metric: toQueueMetric(name, "ApproximateNumberOfMessagesVisible"),
    limit: { above: 0 },
    periodSeconds: MINUTE,
    periods: 1,
  };
}

function toWaitRule(queue: Given<QueueAddress>, seconds: number): AlarmRule {
  const { name } = toValue(queue);
  return {
    description: `The oldest message in ${name} is older than ${seconds} s. Check whether its consumer fails or is throttled.`,
    metric: toQueueMetric(name, "ApproximateAgeOfOldestMessage"),
    limit: { above: seconds },
    periodSeconds: MINUTE,
    periods: 5,
    condition: findCondition(queue),
  };
}

/**
 * Returns the rule for long tasks: a task runs for hours, so not the age of its message counts, but whether a runner
 * receives it.
 */
function toLongRule(queue: Given<QueueAddress>): AlarmRule {
  const { name } = toValue(queue);
  return {
    description: `Tasks have been waiting in ${name} for half an hour: no container runs, or more are needed.`,
    metric: { ...toQueueMetric(name, "ApproximateNumberOfMessagesVisible"), statistic: "Minimum" },
    limit: { above: 0 },
    periodSeconds: FIVE_MINUTES,
    periods: 6,
    condition: findCondition(queue),
  };
}

/**
 * Returns the rule for stalled stacks. The state manager's sweep counts them every five minutes, into its log in the
 * embedded metric format.
 */
function toStalledRule(yardName: string): AlarmRule {
  return {
    description:
      "Stacks have stalled and cannot continue by themselves. List them with `stackyard stacks ls --condition stalled`.",
    metric: {
      namespace: "Stackyard",
      metricName: "stalledStacks",
      statistic: "Maximum",
      dimensions: { yard: yardName },
    },
    limit: { above: 0 },
    periodSeconds: 2 * FIVE_MINUTES,
    periods: 1,
  };
}

/** The functions to monitor. */
export interface FunctionAlarmsProps {
  readonly topicArns?: AlarmTopics;
  /** By the names of their alarms. */
  readonly functions: Readonly<Record<string, { readonly name: string }>>;
}

/** Alarms on functions that are throttled or fail repeatedly. The alarms of the rules that call them notify the same topics. */
export class FunctionAlarms extends Construct {
  constructor(scope: Construct, id: string, { topicArns, functions }: FunctionAlarmsProps) {
    super(scope, id);
    for (const [name, watched] of Object.entries(functions)) {
      createAlarm(this, `${name}Throttled`, toThrottleRule(watched.name), topicArns);
      createAlarm(this, `${name}Fails`, toErrorRule(watched.name), topicArns);
      for (const { alarms } of findRules(this, watched.name))
        for (const alarm of alarms) notifyTopics(alarm, topicArns);
    }
  }
}

/** Finds the rules that call a function in the same stack. Each has its alarms. */
function findRules(scope: Construct, functionName: string): readonly CallFunction[] {
  const calls = Stack.of(scope)
    .node.findAll()
    .filter((each) => each instanceof CallFunction);
  return calls.filter((each) => each.functionName === functionName);
}

function toThrottleRule(functionName: string): AlarmRule {
  return {
    description: `${functionName} is throttled. Raise its reserved concurrency or the account's limit.`,
    metric: toLambdaMetric("Throttles", functionName),
    limit: { above: 0 },
    periodSeconds: FIVE_MINUTES,
    periods: 2,
  };
}

function toErrorRule(functionName: string): AlarmRule {
  return {
    description: `${functionName} fails repeatedly. Its log contains the cause.`,
    metric: toLambdaMetric("Errors", functionName),
    limit: { above: 2 },
    periodSeconds: FIVE_MINUTES,
    periods: 1,
  };
}

function toLambdaMetric(metricName: string, functionName: string): AlarmMetric {
  return { namespace: "AWS/Lambda", metricName, dimensions: { FunctionName: functionName }, statistic: "Sum" };
}
