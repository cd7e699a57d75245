import { defined } from "@stackyard/core";
import { type IQueue, Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { type YardAlarmSettings, YardAlarms } from "./alarms.ts";
import type { Subnets } from "./app-function.ts";
import type { Given } from "./given.ts";
import type { BucketPrefix } from "./policies/yard-permissions.ts";
import { TIMES_TIMEOUT, YardQueues, type YardQueuesProps } from "./queues.ts";
import { StateManager, type StateManagerProps } from "./state-manager.ts";
import type { YardStore } from "./stores.ts";
import { createStacksTable, createTaskLogBucket, createWorkTable, toTableAddress } from "./stores.ts";
import { TaskRunner, type TaskRunnerProps } from "./task-runner.ts";
import type { Variables } from "./yard-settings.ts";
import { DEFAULT_YARD, type StoreChoices, type YardSettings } from "./yard-settings.ts";

type OfYard = "queues" | "stores" | "machines" | "taskLogs" | keyof YardSettings;

/** The input of a yard. */
export interface YardProps extends YardSettings {
  /** Where machines are: YAML files under a prefix. */
  readonly machines: BucketPrefix;
  readonly stateManager: Omit<StateManagerProps, OfYard>;
  readonly taskRunner: Omit<TaskRunnerProps, OfYard>;
  /** Default: two tables are created, and retained when the yard is removed. */
  readonly stores?: StoreChoices;
  /** Default: standard queues `stack-events`, `stack-tasks` and so on; yards other than `main` prefix their name. */
  readonly queues?: YardQueuesProps;
  /**
   * The location of full task logs. Default: a bucket is created, and retained when the yard is removed; it removes
   * them after 7 days.
   */
  readonly taskLogs?: Given<BucketPrefix>;
  /** Where functions are placed. Default: in no network of the account's. */
  readonly subnets?: Given<Subnets>;
  readonly alarms?: YardAlarmSettings;
}

/** One installation: queues, store, the two functions, the schedule and alarms. */
export class Yard extends Construct {
  readonly queues: YardQueues;
  readonly stores: StoreChoices;
  /** Where the whole logs of tasks are. Who reads them needs `s3:GetObject` there, and `s3:ListBucket`. */
  readonly taskLogs: Given<BucketPrefix>;
  readonly stateManager: StateManager;
  readonly taskRunner: TaskRunner;
  /** The event queue. Allow a sender with `eventQueue.grantSendMessages(sender)`. */
  readonly eventQueue: IQueue;

  constructor(scope: Construct, id: string, props: YardProps) {
    super(scope, id);
    const {
      yardName = DEFAULT_YARD,
      messages,
      queueKeyArn,
      sealKeyArn,
      uploadEncryption,
      runnersHaveStore,
      logLevel,
      otlpEndpoint,
    } = props;
    const { subnets, machines } = props;
    const shared = { yardName, messages, queueKeyArn, sealKeyArn, uploadEncryption, runnersHaveStore };
    const settings = defined({ ...shared, logLevel, otlpEndpoint, subnets });
    const { timeoutSeconds } = props.taskRunner;
    this.queues = new YardQueues(this, "Queues", {
      prefix: toPrefix(yardName),
      ...defined({
        taskVisibilitySeconds: timeoutSeconds === undefined ? undefined : TIMES_TIMEOUT * timeoutSeconds,
        kmsKeyArn: queueKeyArn,
      }),
      ...props.queues,
    });
    this.stores = props.stores ?? [createTables(this, yardName)];
    this.taskLogs = props.taskLogs ?? createTaskLogs(this);
    const parts = { ...settings, queues: this.queues, stores: this.stores };
    this.stateManager = new StateManager(this, "StateManager", { ...parts, machines, ...props.stateManager });
    const environment = { ...pickEngineVariables(props.stateManager.environment), ...props.taskRunner.environment };
    this.taskRunner = new TaskRunner(this, "TaskRunner", {
      ...parts,
      machines,
      taskLogs: this.taskLogs,
      ...props.taskRunner,
      environment,
    });
    const { url: queueUrl, arn: queueArn } = this.queues.events;
    this.eventQueue = Queue.fromQueueAttributes(this, "EventQueueReference", { queueUrl, queueArn });
    new YardAlarms(this, "Alarm", {
      ...props.alarms,
      yardName,
      queues: this.queues,
      functions: { StateManager: this.stateManager.function, TaskRunner: this.taskRunner.function },
    });
  }
}

/** Settings of decisions: the runner decides the results of its tasks in the same way. */
const ENGINE_VARIABLES = [
  "EXECUTORS",
  "REFUSED_EVENTS",
  "REFUSED_EVENTS_KEEP",
  "AUTOMATIC_TRANSITIONS_PER_HOUR",
  "ALLOW_EXTERNAL_NEXT",
] as const;

function pickEngineVariables(variables: Variables = {}): Variables {
  return Object.fromEntries(ENGINE_VARIABLES.map((name) => [name, variables[name]]));
}

function toPrefix(yardName: string): string {
  return yardName === DEFAULT_YARD ? "" : `${yardName}-`;
}

/** Creates the two tables of a yard. */
function createTables(scope: Construct, yardName: string): YardStore {
  const stacks = createStacksTable(scope, "StacksTable", { name: `stackyard-${yardName}-stacks` });
  const work = createWorkTable(scope, "WorkTable", { name: `stackyard-${yardName}-stacks-work` });
  return { kind: "dynamodb", stacks: toTableAddress(stacks), work: toTableAddress(work) };
}

function createTaskLogs(scope: Construct): BucketPrefix {
  return { bucket: createTaskLogBucket(scope, "TaskLogs").ref };
}
