import type { Code } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { AppFunction, type FunctionSettings, STATE_MANAGER_TIMEOUT_SECONDS } from "./app-function.ts";
import { createQueueSource, MinuteSchedule } from "./function-triggers.ts";
import { mapGiven } from "./given.ts";
import type { Permission } from "./policies/statement.ts";
import {
  type BucketPrefix,
  readByLambda,
  readObjects,
  sendTo,
  toPrefix,
  workByLambda,
} from "./policies/yard-permissions.ts";
import {
  DEFAULT_YARD,
  type StateManagerQueues,
  type StoreChoices,
  toYardEnvironment,
  toYardPermissions,
  type Variables,
  type YardSettings,
} from "./yard-settings.ts";

/** The input of a state manager. */
export interface StateManagerProps extends YardSettings, FunctionSettings {
  readonly code: Code;
  /** Where machines are: YAML files under a prefix. */
  readonly machines: BucketPrefix;
  readonly queues: StateManagerQueues;
  readonly stores: StoreChoices;
  /** Additional variables, such as `HISTORY_RETENTION_DAYS`. */
  readonly environment?: Variables;
}

/** Events of different stacks are committed together. */
const EVENTS_A_BATCH = 10;

/** The function that decides events: invoked by the queues of events and due work, and by a schedule each minute. */
export class StateManager extends Construct {
  readonly function: AppFunction;

  constructor(scope: Construct, id: string, props: StateManagerProps) {
    super(scope, id);
    const { queues, stores, machines, yardName = DEFAULT_YARD } = props;
    this.function = new AppFunction(this, "App", {
      ...props,
      functionName: `stackyard-${yardName}-state-manager`,
      logGroupName: `/stackyard/${yardName}/state-manager`,
      description: `Stackyard, yard ${yardName}: decides events.`,
      timeoutSeconds: STATE_MANAGER_TIMEOUT_SECONDS,
      permissions: [toQueuePermission(queues), readObjects("Machines", machines), ...toYardPermissions(props, stores)],
      environment: {
        MACHINE_LOCATOR: "S3",
        MACHINE_S3_BUCKET: machines.bucket,
        MACHINE_S3_KEY: toPrefix(machines),
        SQS_TASK_QUEUE_URL: queues.tasks.url,
        SQS_TICK_QUEUE_URL: queues.ticks.url,
        SQS_EVENT_QUEUE_URL: queues.events.url,
        SQS_EVENT_DEAD_LETTER_QUEUE_URL: queues.eventDeadLetters.url,
        SQS_LONG_TASK_QUEUE_URL: queues.longTasks && mapGiven(queues.longTasks, ({ url }) => url),
        ...toYardEnvironment(props, stores),
        ...props.environment,
      },
    });
    const { name: functionName, arn: functionArn } = this.function;
    createQueueSource(this, "EventSource", { functionName, queueArn: queues.events.arn, batchSize: EVENTS_A_BATCH });
    createQueueSource(this, "TickSource", { functionName, queueArn: queues.ticks.arn, batchSize: EVENTS_A_BATCH });
    new MinuteSchedule(this, "Schedule", { functionName, functionArn });
  }
}

function toQueuePermission({ events, ticks, tasks, longTasks, eventDeadLetters }: StateManagerQueues): Permission {
  const long = longTasks === undefined ? [] : [mapGiven(longTasks, ({ arn }) => sendTo("SendLongTasks", arn))];
  return {
    name: "Queues",
    statements: [
      workByLambda("ReadEvents", events.arn),
      readByLambda("ReadTicks", ticks.arn),
      sendTo("SendTicks", ticks.arn),
      sendTo("SendTasks", tasks.arn),
      ...long,
      sendTo("SendDeadLetters", eventDeadLetters.arn),
    ],
  };
}
