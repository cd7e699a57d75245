import type { TaskDefinition } from "@aws-sdk/client-ecs";
import { type Failed, failed } from "@stackyard/core";
import { checkDefinition } from "./check-definition.ts";
import { type EcsCall, toStartedBy } from "./ecs-call.ts";
import { loadDefinition } from "./load-definition.ts";
import type { TaskOverrides } from "./parse-overrides.ts";
import type { TaskOrder } from "./task-order.ts";
import { withEnvironment } from "./with-environment.ts";

/** What is to be run: an order that names a revision, and that revision. */
export interface PreparedOrder {
  readonly kind: "prepared";
  readonly order: TaskOrder;
  readonly definition: TaskDefinition;
  readonly taskDefinitionArn: string;
}

/**
 * Looks at everything that would make the run fail before anything is started. Fails with ECS_TASK_DEFINITION, ECS_NETWORK,
 * ECS_PROPERTIES_INVALID, ECS_AWS_ERROR.
 */
export async function prepareOrder(
  { ctx, settings, deps, definitions }: EcsCall,
  taskDefinition: string = settings.order.taskDefinition,
): Promise<PreparedOrder | Failed> {
  const loaded = await loadDefinition(deps, taskDefinition);
  if (loaded.kind === "failed") return failed(withoutKind(loaded));
  const { definition, taskDefinitionArn } = loaded;
  const names = (definition.containerDefinitions ?? []).flatMap(({ name }) => name ?? []);
  const merged = withEnvironment(settings.overrides, settings, names);
  if ("problems" in merged) {
    const message = `${merged.problems.map((problem) => `${problem.path} ${problem.message}`).join("; ")}.`;
    return failed({ code: "ECS_PROPERTIES_INVALID", message, retryable: false });
  }
  const run = { ...settings.order, overrides: toChecked(merged.overrides, settings.container), check: settings.check };
  const fault = checkDefinition(definition, run);
  if (fault !== undefined) return failed({ ...fault, retryable: false });
  definitions.remember(taskDefinitionArn, definition);
  const order: TaskOrder = {
    ...settings.order,
    taskDefinition: taskDefinitionArn,
    overrides: merged.overrides,
    startedBy: toStartedBy(ctx),
    clientToken: ctx.idempotencyKey,
  };
  return { kind: "prepared", order, definition, taskDefinitionArn };
}

/** A container that is named for its exit code only must exist as well. */
function toChecked(overrides: TaskOverrides, container: string | undefined): TaskOverrides {
  if (container === undefined) return overrides;
  return { ...overrides, containerOverrides: [...(overrides.containerOverrides ?? []), { name: container }] };
}

function withoutKind({ code, message, retryable }: Omit<Failed, "kind">): Omit<Failed, "kind"> {
  return { code, message, retryable };
}
