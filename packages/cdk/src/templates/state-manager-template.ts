import type { App, Stack } from "aws-cdk-lib";
import { YardAlarms } from "../alarms/yard-alarms.ts";
import { YardQueues } from "../queues/yard-queues.ts";
import { StateManager } from "../state-manager.ts";
import { addExclusion } from "./add-exclusion.ts";
import { PARAMETERS_OF } from "./parameters-of.ts";
import { addFunctionOutputs, addQueueOutputs, addStoreOutputs } from "./template-outputs.ts";
import { addParameters } from "./template-parameters.ts";
import { toQueueSettings } from "./template-queues.ts";
import { toStateManagerSettings, toYardSettings } from "./template-settings.ts";
import { TemplateStack } from "./template-stack.ts";
import { addStores } from "./template-stores.ts";

const DESCRIPTION = "Stackyard: the state manager alone, with all queues of its yard, the store, schedule and alarms.";

/** Adds the template of a state manager without a runner; runners are deployed separately, or by other teams. */
export function addStateManagerTemplate(app: App): Stack {
  const stack = new TemplateStack(app, "state-manager", DESCRIPTION);
  const parameters = addParameters(stack, PARAMETERS_OF["state-manager"]);
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
    scheduleRuleName: stateManager.scheduleRuleName,
    functions: { StateManager: stateManager.function },
  });
  addExclusion(stack, ["EventOrder", "fifo"], ["RefusedEvents", "redeliver"]);
  addQueueOutputs(stack, queues);
  addStoreOutputs(stack, stores);
  addFunctionOutputs(stack, "StateManager", stateManager.function);
  return stack;
}
