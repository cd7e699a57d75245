import { type App, CfnCondition, Fn, type Stack } from "aws-cdk-lib";
import { FunctionAlarms } from "../alarms/function-alarms.ts";
import { mapGiven } from "../given.ts";
import { toQueueAddress } from "../queues/queue-address.ts";
import { TaskRunner } from "../task-runner.ts";
import { addRequirement } from "./add-requirement.ts";
import { PARAMETERS_OF } from "./parameters-of.ts";
import { addContainers } from "./template-containers.ts";
import { addFunctionOutputs } from "./template-outputs.ts";
import { addParameters } from "./template-parameters.ts";
import { toTaskRunnerSettings, toYardSettings } from "./template-settings.ts";
import { TemplateStack } from "./template-stack.ts";
import { findStores } from "./template-stores.ts";

const DESCRIPTION = "Stackyard: a task runner alone, on queues that are there, with or without the yard's store.";

/** Adds the template of a task runner. */
export function addTaskRunnerTemplate(app: App): Stack {
  const stack = new TemplateStack(app, "task-runner", DESCRIPTION);
  const parameters = addParameters(stack, PARAMETERS_OF["task-runner"]);
  const longQueue = mapGiven(parameters.given("LongTaskQueueArn"), toQueueAddress);
  const queues = {
    events: toQueueAddress(parameters.text("EventQueueArn")),
    tasks: toQueueAddress(parameters.text("TaskQueueArn")),
    longTasks: longQueue,
    taskDeadLetters: toQueueAddress(parameters.text("TaskDeadLetterQueueArn")),
  };
  const stores = findStores(parameters);
  const runner = new TaskRunner(stack, "TaskRunner", {
    ...toYardSettings(parameters),
    ...toTaskRunnerSettings(parameters, stack),
    queues,
    stores,
    runnersHaveStore: parameters.text("RunnersHaveStore"),
  });
  const condition = new CfnCondition(stack, "RunsContainers", {
    expression: Fn.conditionAnd(
      parameters.given("LongTaskQueueArn").condition,
      parameters.given("LongTaskImageUri").condition,
    ),
  });
  const queue = toQueueAddress(parameters.text("LongTaskQueueArn"));
  addContainers(stack, parameters, { queue, queues, stores, condition });
  new FunctionAlarms(stack, "Alarm", {
    topicArns: parameters.givenList("AlarmTopicArns"),
    functions: { TaskRunner: runner.function },
  });
  addRequirement(stack, { parameter: "StacksTable", needs: "WorkTable" });
  addRequirement(stack, { parameter: "LongTaskImageUri", needs: "LongTaskQueueArn" });
  addFunctionOutputs(stack, "TaskRunner", runner.function);
  return stack;
}
