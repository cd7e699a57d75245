import type { App, Stack } from "aws-cdk-lib";
import { toValue } from "../given.ts";
import { Yard } from "../yard.ts";
import { addExclusion } from "./add-exclusion.ts";
import { addRequirement } from "./add-requirement.ts";
import { PARAMETERS_OF } from "./parameters-of.ts";
import { addContainers } from "./template-containers.ts";
import { addFunctionOutputs, addQueueOutputs, addStoreOutputs } from "./template-outputs.ts";
import { addParameters } from "./template-parameters.ts";
import { toQueueSettings } from "./template-queues.ts";
import {
  toFunctionSettings,
  toStateManagerSettings,
  toTaskRunnerSettings,
  toYardSettings,
} from "./template-settings.ts";
import { TemplateStack } from "./template-stack.ts";
import { addStores } from "./template-stores.ts";

const DESCRIPTION = "Stackyard: a whole yard. Queues, tables, the state manager, the task runner, schedule and alarms.";

/** Adds the template of a whole yard. */
export function addYardTemplate(app: App): Stack {
  const stack = new TemplateStack(app, "yard", DESCRIPTION);
  const parameters = addParameters(stack, PARAMETERS_OF.yard);
  const yard = new Yard(stack, "Yard", {
    ...toYardSettings(parameters),
    subnets: toFunctionSettings(parameters).subnets,
    stores: addStores(stack, parameters),
    machines: { bucket: parameters.text("MachineBucket"), prefix: parameters.given("MachinePrefix") },
    queues: toQueueSettings(stack, parameters),
    stateManager: toStateManagerSettings(parameters, stack),
    taskRunner: toTaskRunnerSettings(parameters, stack),
    alarms: { topicArns: parameters.givenList("AlarmTopicArns") },
  });
  const { queues, stores, stateManager, taskRunner } = yard;
  if (queues.longTasks !== undefined) {
    const condition = parameters.condition("RunsContainers", "LongTasks", "service");
    addContainers(stack, parameters, { queue: toValue(queues.longTasks), queues, stores, condition });
  }
  addRequirement(stack, { parameter: "LongTasks", value: "service", needs: "LongTaskImageUri" });
  addExclusion(stack, ["EventOrder", "fifo"], ["RefusedEvents", "redeliver"]);
  addQueueOutputs(stack, queues);
  addStoreOutputs(stack, stores);
  addFunctionOutputs(stack, "StateManager", stateManager.function);
  addFunctionOutputs(stack, "TaskRunner", taskRunner.function);
  return stack;
}
