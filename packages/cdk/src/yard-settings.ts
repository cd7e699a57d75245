import { type Given, mapGiven, toValue } from "./given.ts";
import type { Permission } from "./policies/statement.ts";
import {
  type BucketPrefix,
  claimMessages,
  type ExecutorRights,
  keepTaskLogs,
  readObjects,
  sealWith,
  sendTo,
  toExecutorPermissions,
  toPrefix,
  useQueueKey,
} from "./policies/yard-permissions.ts";
import type { QueueAddress } from "./queues.ts";
import { toStoreEnvironment, toStorePermission, type YardStore } from "./stores.ts";
import { toUploadEnvironment, toUploadPermissions, type UploadSettings } from "./upload-encryption.ts";

/** The common settings of both apps of a yard. */
export interface YardSettings extends UploadSettings {
  /** Default: `main`. */
  readonly yardName?: string;
  /** The location of messages that are too large for a queue. Default: such a message is rejected. */
  readonly messages?: Given<BucketPrefix>;
  /** The customer's key of the queues. Default: they have the one of SQS. */
  readonly queueKeyArn?: Given<string>;
  /**
   * KMS key whose data keys encrypt sensitive values and saved Terraform plans in the store. Default: none; then sensitive values
   * are stored in clear text, and plans are not saved.
   */
  readonly sealKeyArn?: Given<string>;
  /** True if every runner that reads the queues of tasks has the store. Default: `true`. */
  readonly runnersHaveStore?: boolean | string;
  /** `debug`, `info`, `warn` or `error`. Default: `info`. */
  readonly logLevel?: string;
  /** Collector that traces and metrics are sent to, by OTLP over HTTP. Default: none. */
  readonly otlpEndpoint?: Given<string>;
}

/** The queues that the state manager reads and writes. */
export interface StateManagerQueues {
  readonly events: QueueAddress;
  readonly ticks: QueueAddress;
  readonly tasks: QueueAddress;
  readonly longTasks?: Given<QueueAddress>;
  readonly eventDeadLetters: QueueAddress;
}

/** The queues that a runner reads and writes. */
export interface TaskRunnerQueues {
  readonly events: QueueAddress;
  readonly tasks: QueueAddress;
  readonly longTasks?: Given<QueueAddress>;
  readonly taskDeadLetters: QueueAddress;
  /** For a runner that decides its results: timers that they arm. */
  readonly ticks?: QueueAddress;
  /** The same: their dead letters. */
  readonly eventDeadLetters?: QueueAddress;
}

/** Where a yard stores its state; a template has both kinds, each under its condition. */
export type StoreChoices = readonly Given<YardStore>[];

export const DEFAULT_YARD = "main";

/** Variables of an app; a condition of the template may leave one out. */
export type Variables = Readonly<Record<string, Given<string> | undefined>>;

/** Returns the variables that both apps share. */
export function toYardEnvironment(settings: YardSettings, stores: StoreChoices): Variables {
  const { yardName = DEFAULT_YARD, messages, runnersHaveStore = true, logLevel, otlpEndpoint, sealKeyArn } = settings;
  return {
    YARD_NAME: yardName,
    RUNNERS_HAVE_STORE: String(runnersHaveStore),
    LOG_LEVEL: logLevel,
    OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint,
    STACKYARD_SEAL_KMS_KEY: sealKeyArn,
    ...toUploadEnvironment(settings),
    ...toPlaceEnvironment("MESSAGE", messages),
    ...toChoiceEnvironment(stores),
  };
}

/** Returns the permissions that both apps share: for the store, for large messages, and for the keys of queues and of sealed values. */
export function toYardPermissions(settings: YardSettings, stores: StoreChoices): readonly Given<Permission>[] {
  const { messages, queueKeyArn, sealKeyArn, yardName = DEFAULT_YARD } = settings;
  return [
    ...stores.map((choice) => mapGiven(choice, toStorePermission)),
    ...(messages === undefined ? [] : [mapGiven(messages, claimMessages)]),
    ...(queueKeyArn === undefined ? [] : [mapGiven(queueKeyArn, useQueueKey)]),
    ...(sealKeyArn === undefined ? [] : [mapGiven(sealKeyArn, (arn) => sealWith(arn, yardName))]),
    ...toUploadPermissions(settings),
  ];
}

function toPlaceEnvironment(name: "TASK_LOG" | "MESSAGE", place: Given<BucketPrefix> | undefined): Variables {
  if (place === undefined) return {};
  return {
    [`${name}_BUCKET`]: mapGiven(place, ({ bucket }) => bucket),
    [`${name}_PREFIX`]: mapGiven(place, toPrefix),
  };
}

function toChoiceEnvironment(stores: StoreChoices): Variables {
  const choices = stores.flatMap((choice) => {
    const names = Object.keys(toStoreEnvironment(toValue(choice)));
    return names.map((name) => [name, mapGiven(choice, (store) => toStoreEnvironment(store)[name] ?? "")] as const);
  });
  return Object.fromEntries(choices);
}

/** Settings of what runners log. */
export interface TaskLogSettings {
  /**
   * The location of full task logs; a lifecycle rule there should remove objects after 7 days. Default: in a Postgres
   * database; with DynamoDB, and by message, only the last 64 KiB of a log are kept.
   */
  readonly taskLogs?: Given<BucketPrefix>;
}

/** The settings that a runner in a function and one in a container share. */
export interface RunnerSettings extends YardSettings, TaskLogSettings, ExecutorRights {
  readonly queues: TaskRunnerQueues;
  /**
   * The location of the calendars that `window` of `deploy` names: the prefix of their keys, such as
   * `machines/calendars/`. A runner with `machines` needs none. Default: a `window` is closed.
   */
  readonly calendars?: Given<BucketPrefix>;
  /** Role for targets that name none. */
  readonly targetRole?: Given<string>;
  readonly targetExternalId?: Given<string>;
  /**
   * Gives each task its own sessions in targets, named and tagged by yard, stack and task. Roles there must allow
   * `sts:TagSession`. Default: `false`, sessions of the runner.
   */
  readonly sessionTags?: boolean | string;
  /** Variables besides. */
  readonly environment?: Variables;
}

/** Settings that a runner needs to decide the results of its tasks, like the state manager. */
export interface DecisionSettings {
  /** The machines. Without them the state manager decides them. */
  readonly machines: BucketPrefix | undefined;
  readonly queues: TaskRunnerQueues;
}

/** Returns the variables with which a runner with access to the store decides the results of its tasks. */
export function toDecisionEnvironment({ machines, queues: { ticks, eventDeadLetters } }: DecisionSettings): Variables {
  if (machines === undefined) return {};
  return {
    MACHINE_LOCATOR: "S3",
    MACHINE_S3_BUCKET: machines.bucket,
    MACHINE_S3_KEY: toPrefix(machines),
    SQS_TICK_QUEUE_URL: ticks?.url,
    SQS_EVENT_DEAD_LETTER_QUEUE_URL: eventDeadLetters?.url,
  };
}

/** Returns the additional permissions of such a runner: to read machines, and to send the messages of its decisions. */
export function toDecisionPermissions({ machines, queues }: DecisionSettings): readonly Given<Permission>[] {
  if (machines === undefined) return [];
  const { ticks, eventDeadLetters } = queues;
  const statements = [
    ...(ticks === undefined ? [] : [sendTo("SendTicks", ticks.arn)]),
    ...(eventDeadLetters === undefined ? [] : [sendTo("SendEventDeadLetters", eventDeadLetters.arn)]),
  ];
  const sends: readonly Permission[] = statements.length === 0 ? [] : [{ name: "Decisions", statements }];
  return [readObjects("Machines", machines), ...sends];
}

/** Returns the variables of a runner, except those of the queues that it reads. */
export function toRunnerEnvironment(settings: RunnerSettings, stores: StoreChoices): Variables {
  const { queues, targetRole, targetExternalId, sessionTags, taskLogs, runnersHaveStore, distributorArn } = settings;
  const { calendars } = settings;
  return {
    SQS_EVENT_QUEUE_URL: queues.events.url,
    SQS_TASK_DEAD_LETTER_QUEUE_URL: queues.taskDeadLetters.url,
    TARGET_ROLE: targetRole,
    TARGET_EXTERNAL_ID: targetExternalId,
    SESSION_TAGS: sessionTags === undefined ? undefined : String(sessionTags),
    STACKYARD_DISTRIBUTOR: distributorArn,
    ...toPlaceEnvironment("TASK_LOG", taskLogs),
    // An empty text names no bucket, which takes less room in a template than a condition.
    CALENDAR_BUCKET: calendars && toValue(calendars).bucket,
    CALENDAR_PREFIX: calendars && toPrefix(toValue(calendars)),
    ...toYardEnvironment({ ...settings, runnersHaveStore: runnersHaveStore ?? stores.length > 0 }, stores),
    ...settings.environment,
  };
}

/** Returns the permissions of a runner, except to read its own queue. */
export function toRunnerPermissions(settings: RunnerSettings, stores: StoreChoices): readonly Given<Permission>[] {
  const { queues, taskLogs, calendars } = settings;
  const { events, taskDeadLetters } = queues;
  const answers: Permission = {
    name: "Answers",
    statements: [sendTo("SendEvents", events.arn), sendTo("SendDeadLetters", taskDeadLetters.arn)],
  };
  return [
    answers,
    ...stores.map((choice) => toNextTasks(queues, choice)),
    ...(taskLogs === undefined ? [] : [mapGiven(taskLogs, keepTaskLogs)]),
    ...(calendars === undefined ? [] : [mapGiven(calendars, (place) => readObjects("Calendars", place))]),
    ...toYardPermissions(settings, stores),
    ...toExecutorPermissions(settings),
  ];
}

/**
 * Returns the permission for the next task: a runner with access to the store sends it when it frees an exclusive key.
 */
function toNextTasks({ tasks, longTasks }: TaskRunnerQueues, choice: Given<YardStore>): Given<Permission> {
  const long = longTasks === undefined ? [] : [mapGiven(longTasks, ({ arn }) => sendTo("SendLongTasks", arn))];
  return mapGiven(choice, ({ kind }) => ({
    name: kind === "dynamodb" ? "NextTasksOfTables" : "NextTasksOfDatabase",
    statements: [sendTo("SendTasks", tasks.arn), ...long],
  }));
}
