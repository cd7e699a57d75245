import type { TaskOverrides } from "../parse-overrides.ts";
import type { UpdateCriterion } from "./update-criteria.ts";

/** What is read of a task definition (ECS API, ContainerDefinition). */
export interface ComparedDefinition {
  readonly containerDefinitions?: readonly ComparedContainer[] | undefined;
}

/** What is read of a container. */
export interface ComparedContainer {
  readonly name?: string | undefined;
  readonly environment?:
    | readonly { readonly name?: string | undefined; readonly value?: string | undefined }[]
    | undefined;
  readonly secrets?:
    | readonly { readonly name?: string | undefined; readonly valueFrom?: string | undefined }[]
    | undefined;
}

/** A variable that is another one than before. Never its value, which may be a secret. */
export interface CriteriaChange {
  readonly container: string;
  readonly key: string;
}

/** The criteria name a container that the new definition does not have. */
export interface CriteriaRefusal {
  readonly kind: "rejected";
  readonly code: "ECS_CRITERIA_CONTAINER";
  readonly reason: string;
}

/** Every difference, in the order of the criteria; none: an empty list. */
export type CriteriaResult = readonly CriteriaChange[] | CriteriaRefusal;

/**
 * Compares the variables that the criteria name in the effective environments of their containers, by name: entries of the
 * definition, its secrets by their references, then the overrides. Absent differs from empty. Without an old definition
 * everything that is named has changed; a container that only the old one lacks had no variables. Pure.
 */
export function criteriaChanged(
  criteria: readonly UpdateCriterion[],
  oldDefinition: ComparedDefinition | undefined,
  newDefinition: ComparedDefinition,
  oldOverrides: TaskOverrides | undefined,
  newOverrides: TaskOverrides | undefined,
): CriteriaResult {
  const lacking = [...new Set(criteria.map(({ container }) => container))].filter(
    (name) => findContainer(newDefinition, name) === undefined,
  );
  if (lacking.length > 0) return toRefusal(lacking, newDefinition);
  const changes = new Map<string, CriteriaChange>();
  for (const { container, environmentKeys } of criteria) {
    const before = oldDefinition && toEnvironment(oldDefinition, oldOverrides, container);
    const after = toEnvironment(newDefinition, newOverrides, container);
    for (const key of environmentKeys) {
      const isSame = before !== undefined && before.get(key) === after.get(key);
      if (!isSame) changes.set(JSON.stringify([container, key]), { container, key });
    }
  }
  return [...changes.values()];
}

/** Later entries win, as in the container. A reference to a secret is never equal to a value. */
function toEnvironment(
  definition: ComparedDefinition,
  { containerOverrides = [] }: TaskOverrides = {},
  name: string,
): ReadonlyMap<string, string> {
  const container = findContainer(definition, name);
  if (container === undefined) return new Map();
  const { environment = [], secrets = [] } = container;
  const overriding = containerOverrides.filter((override) => override.name === name);
  const entries = [
    ...environment.map(({ name: key = "", value = "" }) => [key, `value:${value}`] as const),
    ...secrets.map(({ name: key = "", valueFrom = "" }) => [key, `from:${valueFrom}`] as const),
    ...overriding.flatMap((override) =>
      (override.environment ?? []).map(({ name: key, value }) => [key, `value:${value}`] as const),
    ),
  ];
  return new Map(entries);
}

function findContainer({ containerDefinitions = [] }: ComparedDefinition, name: string): ComparedContainer | undefined {
  return containerDefinitions.find((container) => container.name === name);
}

function toRefusal(lacking: readonly string[], { containerDefinitions = [] }: ComparedDefinition): CriteriaRefusal {
  const known = containerDefinitions.map(({ name }) => name).join(", ");
  const reason = `UpdateCriteria names ${lacking.join(", ")}, and the task definition has no such container. It has: ${known}.`;
  return { kind: "rejected", code: "ECS_CRITERIA_CONTAINER", reason };
}
