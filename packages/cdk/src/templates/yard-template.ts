import { type App, CfnCondition, Fn, type Stack } from "aws-cdk-lib";
import { YardAlarms } from "../alarms.ts";
import { type Conditional, mapGiven, onlyIf, toValue } from "../given.ts";
import type { BucketPrefix } from "../policies/yard-permissions.ts";
import { toQueueAddress, YardQueues } from "../queues.ts";
import { StateManager } from "../state-manager.ts";
import { TaskRunner } from "../task-runner.ts";
import { Yard } from "../yard.ts";
import type { ParameterName } from "./parameter-definitions.ts";
import { addExclusion, addRequirement, openTemplate, type TemplateParameters } from "./template-parameters.ts";
import {
  addContainers,
  addFunctionAlarms,
  addSharedOutputs,
  addStores,
  addTaskLogs,
  findStores,
  findTaskLogs,
  toFunctionSettings,
  toQueueSettings,
  toStateManagerSettings,
  toTaskRunnerSettings,
  toYardSettings,
} from "./template-settings.ts";
import { addFunctionOutputs, addOutput, addQueueOutputs, addStoreOutputs } from "./template-stack.ts";

/** The settings that stacks of runners and services share with the state manager. */
const SHARED = [
  "QueueKeyArn",
  "MessageBucket",
  "MessagePrefix",
  "MachineBucket",
  "MachinePrefix",
  "TaskRunnerTimeout",
] as const satisfies readonly ParameterName[];

const YARD_DESCRIPTION =
  "Stackyard: a whole yard. Queues, tables, the state manager, the task runner, schedule and alarms.";

/** Adds the template of a whole yard. */
export function addYardTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "yard", YARD_DESCRIPTION);
  const taskLogs = addTaskLogs(stack, parameters);
  const yard = new Yard(stack, "Yard", {
    ...toYardSettings(parameters),
    subnets: toFunctionSettings(parameters).subnets,
    stores: addStores(stack, parameters),
    machines: { bucket: parameters.text("MachineBucket"), prefix: parameters.given("MachinePrefix") },
    queues: toQueueSettings(stack, parameters),
    taskLogs,
    stateManager: toStateManagerSettings(parameters, stack),
    taskRunner: toTaskRunnerSettings(parameters, stack),
    alarms: { topicArns: parameters.givenList("AlarmTopicArns") },
  });
  const { queues, stores, stateManager, taskRunner } = yard;
  if (queues.longTasks !== undefined) {
    const condition = parameters.condition("RunsContainers", "LongTasks", "service");
    addContainers(stack, parameters, { queue: toValue(queues.longTasks), queues, stores, taskLogs, condition });
  }
  addRequirement(stack, { parameter: "LongTasks", value: "service", needs: "LongTaskImageUri" });
  addExclusion(stack, ["EventOrder", "fifo"], ["RefusedEvents", "redeliver"]);
  addQueueOutputs(stack, queues);
  addStoreOutputs(stack, stores);
  addOutput(stack, "TaskLogBucket", taskLogs.bucket, "Bucket of the whole logs of tasks.");
  addSharedOutputs(stack, parameters, [...SHARED, "TaskLogPrefix"]);
  addFunctionOutputs(stack, "StateManager", stateManager.function);
  addFunctionOutputs(stack, "TaskRunner", taskRunner.function);
  return stack;
}

const STATE_MANAGER_DESCRIPTION =
  "Stackyard: the state manager alone, with all queues of its yard, the store, schedule and alarms.";

/** Adds the template of a state manager without a runner; runners are deployed separately, or by other teams. */
export function addStateManagerTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "state-manager", STATE_MANAGER_DESCRIPTION);
  const settings = toYardSettings(parameters);
  const { queueKeyArn: kmsKeyArn } = settings;
  const queues = new YardQueues(stack, "Queues", { ...toQueueSettings(stack, parameters), kmsKeyArn });
  const stores = addStores(stack, parameters);
  const stateManager = new StateManager(stack, "StateManager", {
    ...settings,
    ...toStateManagerSettings(parameters, stack),
    queues,
    stores,
    runnersHaveStore: parameters.text("RunnersHaveStore"),
    machines: { bucket: parameters.text("MachineBucket"), prefix: parameters.given("MachinePrefix") },
  });
  new YardAlarms(stack, "Alarm", {
    yardName: settings.yardName,
    queues,
    topicArns: parameters.givenList("AlarmTopicArns"),
    functions: { StateManager: stateManager.function },
  });
  addExclusion(stack, ["EventOrder", "fifo"], ["RefusedEvents", "redeliver"]);
  addQueueOutputs(stack, queues);
  addStoreOutputs(stack, stores);
  addSharedOutputs(stack, parameters, [...SHARED, "RunnersHaveStore"]);
  addFunctionOutputs(stack, "StateManager", stateManager.function);
  return stack;
}

const TASK_RUNNER_DESCRIPTION = "Stackyard: only a task runner, on existing queues, with or without the yard's store.";

/** Adds the template of a task runner. */
export function addTaskRunnerTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "task-runner", TASK_RUNNER_DESCRIPTION);
  const longQueue = mapGiven(parameters.given("LongTaskQueueArn"), toQueueAddress);
  const queues = {
    events: toQueueAddress(parameters.text("EventQueueArn")),
    tasks: toQueueAddress(parameters.text("TaskQueueArn")),
    longTasks: longQueue,
    taskDeadLetters: toQueueAddress(parameters.text("TaskDeadLetterQueueArn")),
  };
  const stores = findStores(parameters);
  const taskLogs = findTaskLogs(parameters);
  const runner = new TaskRunner(stack, "TaskRunner", {
    ...toYardSettings(parameters),
    ...toTaskRunnerSettings(parameters, stack),
    queues,
    stores,
    taskLogs,
    calendars: findCalendars(parameters),
    runnersHaveStore: parameters.text("RunnersHaveStore"),
  });
  const condition = new CfnCondition(stack, "RunsContainers", {
    expression: Fn.conditionAnd(
      parameters.given("LongTaskQueueArn").condition,
      parameters.given("LongTaskImageUri").condition,
    ),
  });
  const queue = toQueueAddress(parameters.text("LongTaskQueueArn"));
  addContainers(stack, parameters, { queue, queues, stores, taskLogs, condition });
  addFunctionAlarms(stack, parameters, { TaskRunner: runner.function });
  addRequirement(stack, { parameter: "StacksTable", needs: "WorkTable" });
  addRequirement(stack, { parameter: "LongTaskImageUri", needs: "LongTaskQueueArn" });
  addFunctionOutputs(stack, "TaskRunner", runner.function);
  return stack;
}

/** Returns where the calendars of a runner without the machines are, if a bucket is named. */
function findCalendars(parameters: TemplateParameters): Conditional<BucketPrefix> {
  const { condition, value: bucket } = parameters.given("CalendarBucket");
  return onlyIf(condition, { bucket, prefix: parameters.text("CalendarPrefix") });
}
