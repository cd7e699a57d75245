import type { CustomResourceRequest } from "@stackyard/aws/custom-resource";
import { isMap } from "@stackyard/core";
import type { TaskOverrides } from "../parse-overrides.ts";
import {
  type PropertyProblem,
  parseProperties,
  type TaskProperties,
  toShown,
  type UpdateCriterion,
} from "./parse-properties.ts";

/** Why nothing was run. */
export type NoneReason = "COUNT_ZERO" | "RUN_ON_UPDATE_FALSE" | "ROLLBACK" | "CRITERIA_UNCHANGED";

/** Facts besides the request. Each is loaded only if `listNeededFacts` names it. */
export interface RequestFacts {
  /** As in DescribeStacks. What cannot be read is read again, or is a failure: it never leads to a run. */
  readonly stackStatus?: string;
  /** The changes by the criteria of the new properties; `gone`: the old definition no longer exists, so the tasks run. */
  readonly changes?: CriteriaResult | "gone";
}

/** The decision about a request. */
export type RequestAction =
  | {
      readonly kind: "fail";
      readonly code: "ECS_REQUEST_INVALID" | "ECS_PROPERTIES_INVALID" | "ECS_CRITERIA_CONTAINER";
      readonly reason: string;
      readonly problems?: readonly PropertyProblem[];
    }
  | { readonly kind: "stop"; readonly cluster: string | undefined }
  | { readonly kind: "none"; readonly reason: NoneReason; readonly config: TaskProperties }
  | { readonly kind: "run"; readonly config: TaskProperties; readonly warnings: readonly string[] };

type Asked = Pick<CustomResourceRequest, "RequestType" | "ResourceProperties">;

const ROLLING_BACK = ["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"];

/** Decides what a request of CloudFormation requires. Pure. A Delete ignores the properties. */
export function decideRequest(request: Asked, facts: RequestFacts = {}): RequestAction {
  const { RequestType, ResourceProperties } = request;
  if (RequestType === "Delete") return { kind: "stop", cluster: findCluster(ResourceProperties) };
  if (RequestType !== "Create" && RequestType !== "Update") {
    const reason = `RequestType must be Create, Update or Delete; it is ${toShown(RequestType)}.`;
    return { kind: "fail", code: "ECS_REQUEST_INVALID", reason };
  }
  const parsed = parseProperties(ResourceProperties);
  if (parsed.kind === "problems") return toRefusal(parsed.problems);
  const { config, warnings } = parsed;
  if (config.count === 0) return { kind: "none", reason: "COUNT_ZERO", config };
  const run: RequestAction = { kind: "run", config, warnings };
  return RequestType === "Create" ? run : decideUpdate(run, facts);
}

/** Lists the facts that a request's decision depends on. Criteria are needed only if everything else requires a run. */
export function listNeededFacts(request: Asked): readonly ("stackStatus" | "changes")[] {
  const action = request.RequestType === "Update" ? decideRequest(request) : undefined;
  if (action?.kind !== "run") return [];
  const { runOnRollback, updateCriteria } = action.config;
  return [...(runOnRollback ? [] : ["stackStatus" as const]), ...(updateCriteria ? ["changes" as const] : [])];
}

/** Returns the cluster of properties that may be invalid; undefined when they name none. */
export function findCluster(properties: unknown): string | undefined {
  const cluster = isMap(properties) ? properties["Cluster"] : undefined;
  return typeof cluster === "string" && cluster.trim() !== "" ? cluster : undefined;
}

function decideUpdate(run: RequestAction & { readonly kind: "run" }, facts: RequestFacts): RequestAction {
  const { config } = run;
  if (!config.runOnUpdate) return { kind: "none", reason: "RUN_ON_UPDATE_FALSE", config };
  if (!config.runOnRollback && ROLLING_BACK.includes(facts.stackStatus ?? "")) {
    return { kind: "none", reason: "ROLLBACK", config };
  }
  const { changes } = facts;
  if (config.updateCriteria === undefined || changes === undefined || changes === "gone") return run;
  if ("kind" in changes) return { kind: "fail", code: changes.code, reason: changes.reason };
  return changes.length > 0 ? run : { kind: "none", reason: "CRITERIA_UNCHANGED", config };
}

function toRefusal(problems: readonly PropertyProblem[]): RequestAction {
  const reason = problems.map(({ path, message }) => `${path || "ResourceProperties"} ${message}`).join(" ");
  return { kind: "fail", code: "ECS_PROPERTIES_INVALID", reason, problems };
}

/** The required parts of a task definition (ECS API, ContainerDefinition). */
interface ComparedDefinition {
  readonly containerDefinitions?: readonly ComparedContainer[] | undefined;
}

/** The required parts of a container. */
export interface ComparedContainer {
  readonly name?: string | undefined;
  readonly environment?:
    | readonly { readonly name?: string | undefined; readonly value?: string | undefined }[]
    | undefined;
  readonly secrets?:
    | readonly { readonly name?: string | undefined; readonly valueFrom?: string | undefined }[]
    | undefined;
}

/** A changed variable. Never its value, which may be a secret. */
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

/** All differences, in the order of the criteria; empty without any. */
export type CriteriaResult = readonly CriteriaChange[] | CriteriaRefusal;

/**
 * Compares the variables of the criteria in the effective environments of their containers, by name: entries of the
 * definition, its secrets by their references, then the overrides. Absent differs from empty. Without an old definition
 * all of them have changed; a container that is missing only in the old one had no variables. Pure.
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
  if (lacking.length > 0) return toCriteriaRefusal(lacking, newDefinition);
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

/** Returns the effective environment; later entries win. A reference to a secret never equals a value. */
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

function toCriteriaRefusal(
  lacking: readonly string[],
  { containerDefinitions = [] }: ComparedDefinition,
): CriteriaRefusal {
  const known = containerDefinitions.map(({ name }) => name).join(", ");
  const reason = `UpdateCriteria names ${lacking.join(", ")}, and the task definition has no such container. It has: ${known}.`;
  return { kind: "rejected", code: "ECS_CRITERIA_CONTAINER", reason };
}
