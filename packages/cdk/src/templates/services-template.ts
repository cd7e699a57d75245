import type { App, Stack } from "aws-cdk-lib";
import { FunctionAlarms } from "../alarms.ts";
import { toQueueAddress } from "../queues.ts";
import { Services } from "../services.ts";
import { PARAMETERS_OF } from "./parameter-definitions.ts";
import { addParameters, addRequirement } from "./template-parameters.ts";
import { findStores, toCode, toFunctionSettings, toYardSettings } from "./template-settings.ts";
import { addFunctionOutputs, addOutput, TemplateStack } from "./template-stack.ts";

const DESCRIPTION =
  "Stackyard: receives webhooks and runs services of plugins for a yard. Needs a yard or a state manager.";

/** Adds the template of the services of plugins. */
export function addServicesTemplate(app: App): Stack {
  const stack = new TemplateStack(app, "services", DESCRIPTION);
  const parameters = addParameters(stack, PARAMETERS_OF.services);
  const services = new Services(stack, "Services", {
    ...toYardSettings(parameters),
    ...toFunctionSettings(parameters),
    code: toCode(stack, parameters, "Services"),
    queues: { events: toQueueAddress(parameters.text("EventQueueArn")) },
    stores: findStores(parameters),
    machines: { bucket: parameters.text("MachineBucket"), prefix: parameters.given("MachinePrefix") },
    project: { bucket: parameters.text("ProjectBucket"), prefix: parameters.given("ProjectPrefix") },
    secretArns: parameters.givenList("SecretArns"),
    targetRoleArns: parameters.givenList("TargetRoleArns"),
    managedPolicyArns: parameters.givenList("ServicesPolicyArns"),
    reservedConcurrency: parameters.givenNumber("ServicesReservedConcurrency"),
  });
  new FunctionAlarms(stack, "Alarm", {
    topicArns: parameters.givenList("AlarmTopicArns"),
    functions: { Services: services.function },
  });
  addRequirement(stack, { parameter: "ConnectionSecretArn", value: "", needs: "StacksTable" });
  addRequirement(stack, { parameter: "StacksTable", needs: "WorkTable" });
  addFunctionOutputs(stack, "Services", services.function);
  addOutput(stack, "ServicesUrl", {
    value: services.url,
    description: "Address of the receiver; webhooks are sent to hooks/NAME below it.",
  });
  return stack;
}
