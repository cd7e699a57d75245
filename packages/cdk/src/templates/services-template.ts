import type { App, Stack } from "aws-cdk-lib";
import { toQueueAddress } from "../queues.ts";
import { Services } from "../services.ts";
import { addRequirement, openTemplate } from "./template-parameters.ts";
import { addFunctionAlarms, findStores, toCode, toFunctionSettings, toYardSettings } from "./template-settings.ts";
import { addFunctionOutputs, addOutput } from "./template-stack.ts";

const DESCRIPTION =
  "Stackyard: receives webhooks and runs services of plugins for a yard. Needs a yard or a state manager.";

/** Adds the template of the services of plugins. */
export function addServicesTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "services", DESCRIPTION);
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
  addFunctionAlarms(stack, parameters, { Services: services.function });
  addRequirement(stack, { parameter: "ConnectionSecretArn", value: "", needs: "StacksTable" });
  addRequirement(stack, { parameter: "StacksTable", needs: "WorkTable" });
  addFunctionOutputs(stack, "Services", services.function);
  addOutput(stack, "ServicesUrl", services.url, "Address of the receiver; webhooks are sent to hooks/NAME below it.");
  return stack;
}
