import type { TaskDefinition } from "@aws-sdk/client-ecs";
import { loadDefinition } from "../load-definition.ts";
import { parseOverrides, type TaskOverrides } from "../parse-overrides.ts";
import { type CriteriaResult, criteriaChanged } from "./criteria-changed.ts";
import type { TaskProperties } from "./parse-properties.ts";
import { isJsonObject } from "./property-readers.ts";
import { findRememberedRun } from "./resource-memory.ts";
import type { TurnContext } from "./turn.ts";

/**
 * What the criteria see between the old and the new properties; undefined: the old ones say nothing, so that everything
 * counts as changed. A family stood for the revision that the resource has run last.
 */
export async function findChanges(
  context: TurnContext,
  config: TaskProperties,
  definition: TaskDefinition,
): Promise<CriteriaResult | undefined> {
  const old = context.work.request.OldResourceProperties;
  const oldName = isJsonObject(old) ? old["TaskDefinition"] : undefined;
  const before = typeof oldName === "string" && oldName !== "" ? await findOld(context, oldName) : undefined;
  const oldOverrides = toOldOverrides(context, isJsonObject(old) ? old["Overrides"] : undefined);
  const changes = criteriaChanged(config.updateCriteria ?? [], before, definition, oldOverrides, config.overrides);
  // Without an old definition the tasks run, whatever is named, as long as it can be named.
  return before === undefined && !("kind" in changes) ? undefined : changes;
}

async function findOld(context: TurnContext, oldName: string): Promise<TaskDefinition | undefined> {
  const { deps, ecs, id, logger, work } = context;
  const remembered = await findRememberedRun(deps, id);
  const isKnown = remembered?.taskDefinition === oldName;
  const fields = { requestId: work.request.RequestId, taskDefinition: oldName };
  if (!isKnown && !/:\d+$/.test(oldName)) {
    logger.warn("Nobody knows which revision ran last, so the latest is compared with the latest.", fields);
  }
  const loaded = await loadDefinition(ecs, isKnown ? remembered.taskDefinitionArn : oldName);
  if (loaded.kind === "found") return loaded.definition;
  // What is only busy now tells later: nothing is run for its sake.
  if (loaded.retryable) throw loaded.cause;
  logger.warn("The old task definition cannot be read, so everything counts as changed.", {
    ...fields,
    code: loaded.code,
    message: loaded.message,
  });
  return undefined;
}

/** Properties of an older deployment may have been taken then and not be understood now. */
function toOldOverrides({ logger, work }: TurnContext, value: unknown): TaskOverrides | undefined {
  const parsed = parseOverrides(value);
  if (!("problems" in parsed)) return parsed.overrides;
  logger.warn("The old Overrides cannot be read and are left out of the comparison.", {
    requestId: work.request.RequestId,
    problems: parsed.problems,
  });
  return undefined;
}
