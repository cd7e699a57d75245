import { type Given, mapGiven } from "../given.ts";
import { type ExecutorRights, toExecutorPermissions } from "../policies/executor-permissions.ts";
import { sendTo } from "../policies/queue-permissions.ts";
import { type BucketPrefix, readObjects, toPrefix } from "../policies/s3-permissions.ts";
import type { Permission } from "../policies/statement.ts";
import type { YardStore } from "../store/yard-store.ts";
import { toYardEnvironment, toYardPermissions, type Variables } from "./yard-environment.ts";
import type { StoreChoices, TaskRunnerQueues, YardSettings } from "./yard-settings.ts";

/** The settings that a runner in a function and one in a container share. */
export interface RunnerSettings extends YardSettings, ExecutorRights {
  readonly queues: TaskRunnerQueues;
  readonly targetRole?: Given<string>;
  readonly targetExternalId?: Given<string>;
  /**
   * Each task has sessions of its own in targets, named and tagged by yard, stack and task. Roles there must allow
   * `sts:TagSession`. Default: `false`, sessions of the runner.
   */
  readonly sessionTags?: boolean | string;
  /** Variables besides. */
  readonly environment?: Variables;
}

/** Settings that a runner needs to decide the results of its tasks, like the state manager. */
export interface DecisionSettings {
  /** Undefined: the state manager decides them. */
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

/** Returns the additional permissions of such a runner: to read machines, and to send the messages that follow from its decisions. */
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
  const { queues, targetRole, targetExternalId, sessionTags, runnersHaveStore } = settings;
  return {
    SQS_EVENT_QUEUE_URL: queues.events.url,
    SQS_TASK_DEAD_LETTER_QUEUE_URL: queues.taskDeadLetters.url,
    TARGET_ROLE: targetRole,
    TARGET_EXTERNAL_ID: targetExternalId,
    SESSION_TAGS: sessionTags === undefined ? undefined : String(sessionTags),
    ...toYardEnvironment({ ...settings, runnersHaveStore: runnersHaveStore ?? stores.length > 0 }, stores),
    ...settings.environment,
  };
}

/** Returns the permissions of a runner, except to read its own queue. */
export function toRunnerPermissions(settings: RunnerSettings, stores: StoreChoices): readonly Given<Permission>[] {
  const { events, taskDeadLetters } = settings.queues;
  const answers: Permission = {
    name: "Answers",
    statements: [sendTo("SendEvents", events.arn), sendTo("SendDeadLetters", taskDeadLetters.arn)],
  };
  return [
    answers,
    ...stores.map((choice) => toNextTasks(settings.queues, choice)),
    ...toYardPermissions(settings, stores),
    ...toExecutorPermissions(settings),
  ];
}

/** A runner with access to the store sends the next task of an exclusive key when it frees the key. */
function toNextTasks({ tasks, longTasks }: TaskRunnerQueues, choice: Given<YardStore>): Given<Permission> {
  const long = longTasks === undefined ? [] : [mapGiven(longTasks, ({ arn }) => sendTo("SendLongTasks", arn))];
  return mapGiven(choice, ({ kind }) => ({
    name: kind === "dynamodb" ? "NextTasksOfTables" : "NextTasksOfDatabase",
    statements: [sendTo("SendTasks", tasks.arn), ...long],
  }));
}
