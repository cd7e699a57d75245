import type { TaskDefinition } from "@aws-sdk/client-ecs";
import type { Failed, Plan } from "@stackyard/core";
import type { EcsCall } from "./ecs-call.ts";
import type { TaskOverrides } from "./parse-overrides.ts";
import { prepareOrder } from "./prepare-order.ts";
import { expectedCountOf, type TaskOrder } from "./task-order.ts";

/** What would be run: the resolved revision, its images, the network, and what would be overridden, values left out. */
export async function planTasks(call: EcsCall | Failed): Promise<Plan> {
  if ("kind" in call) return toFaultPlan(call);
  const prepared = await prepareOrder(call);
  if (prepared.kind === "failed") return toFaultPlan(prepared);
  const { order, definition, taskDefinitionArn } = prepared;
  const count = expectedCountOf(order);
  const name = taskDefinitionArn.slice(taskDefinitionArn.lastIndexOf("/") + 1);
  const where = `in "${order.cluster}"${toWhere(order)}`;
  return {
    summary: `Would run ${count === 1 ? "one task" : `${count} tasks`} of ${name} ${where}.`,
    details: {
      taskDefinition: taskDefinitionArn,
      containers: (definition.containerDefinitions ?? []).map(toContainer),
      network: order.networkConfiguration?.awsvpcConfiguration ?? definition.networkMode ?? "bridge",
      overrides: toOverridden(order.overrides ?? {}),
    },
  };
}

function toFaultPlan({ code, message }: Failed): Plan {
  return { summary: `The task would fail with ${code}. ${message}` };
}

function toWhere({ instances = [], launchType, capacityProviderStrategy = [] }: TaskOrder): string {
  const providers = capacityProviderStrategy.map(({ capacityProvider }) => capacityProvider).join(", ");
  if (instances.length > 0) return ` on ${instances.length === 1 ? "one instance" : `${instances.length} instances`}`;
  if (providers !== "") return ` by ${providers}`;
  return launchType === undefined ? "" : ` on ${launchType}`;
}

/** A digest names one image for ever; a tag may mean another one tomorrow. */
function toContainer({ name, image = "", essential }: NonNullable<TaskDefinition["containerDefinitions"]>[number]) {
  const digest = image.includes("@") ? image.slice(image.indexOf("@") + 1) : null;
  return { name, image, digest, essential: essential !== false };
}

function toOverridden({ containerOverrides = [], ...task }: TaskOverrides): Readonly<Record<string, unknown>> {
  const containers = containerOverrides.map(({ name, environment = [], ...rest }) => [
    name,
    { keys: Object.keys(rest), environment: environment.map((entry) => entry.name) },
  ]);
  return { task: Object.keys(task), containers: Object.fromEntries(containers) };
}
