import type { CheckContainers } from "./judge.ts";
import type { TaskOverrides } from "./parse-overrides.ts";

/** The parts of a task definition that decide whether it can be run as asked (ECS API, TaskDefinition). */
export interface CheckedDefinition {
  readonly taskDefinitionArn?: string | undefined;
  readonly networkMode?: string | undefined;
  readonly status?: string | undefined;
  readonly containerDefinitions?: readonly { readonly name?: string | undefined }[] | undefined;
}

/** How the definition is to be run. */
export interface CheckedRun {
  readonly launchType?: string | undefined;
  readonly capacityProviderStrategy?: readonly { readonly capacityProvider?: string | undefined }[] | undefined;
  readonly networkConfiguration?: unknown;
  readonly overrides?: TaskOverrides | undefined;
  readonly check?: CheckContainers | undefined;
}

/** Why a run cannot work, told before anything is started. */
export interface DefinitionFault {
  readonly code: "ECS_TASK_DEFINITION" | "ECS_NETWORK" | "ECS_PROPERTIES_INVALID";
  readonly message: string;
}

/** The first thing that stands against running a definition so; undefined: nothing does. */
export function checkDefinition(definition: CheckedDefinition, run: CheckedRun): DefinitionFault | undefined {
  return checkStatus(definition) ?? checkNetwork(definition, run) ?? checkNames(definition, run);
}

/** True when the tasks would run on Fargate, Spot or not. */
export function isFargate({ launchType, capacityProviderStrategy = [] }: CheckedRun): boolean {
  return (
    launchType === "FARGATE" ||
    capacityProviderStrategy.some(({ capacityProvider = "" }) => FARGATE.has(capacityProvider))
  );
}

const FARGATE: ReadonlySet<string> = new Set(["FARGATE", "FARGATE_SPOT"]);

function checkStatus({ status, taskDefinitionArn }: CheckedDefinition): DefinitionFault | undefined {
  if (status === undefined || status === "ACTIVE") return undefined;
  const message = `The task definition ${toName(taskDefinitionArn)} is ${status}. Name an active revision, or the family for its latest.`;
  return { code: "ECS_TASK_DEFINITION", message };
}

/** RunTask API, `networkConfiguration`: required for the network mode awsvpc, "and it isn't supported for other network modes". */
function checkNetwork(definition: CheckedDefinition, run: CheckedRun): DefinitionFault | undefined {
  const { networkMode = "bridge" } = definition;
  const isAwsvpc = networkMode === "awsvpc";
  const hasNetwork = run.networkConfiguration !== undefined;
  if (isAwsvpc && hasNetwork) return undefined;
  const name = `The task definition ${toName(definition.taskDefinitionArn)} has the network mode ${networkMode}`;
  if (isAwsvpc) return toNetworkFault(`${name}: name subnets in its network configuration.`);
  if (isFargate(run)) return toNetworkFault(`${name}, and Fargate needs awsvpc.`);
  return hasNetwork ? toNetworkFault(`${name}, which takes no network configuration. Leave it out.`) : undefined;
}

function toNetworkFault(message: string): DefinitionFault {
  return { code: "ECS_NETWORK", message };
}

function checkNames(definition: CheckedDefinition, { overrides, check }: CheckedRun): DefinitionFault | undefined {
  const names = (definition.containerDefinitions ?? []).flatMap(({ name }) => name ?? []);
  const overridden = (overrides?.containerOverrides ?? []).map(({ name }) => name);
  const checked = Array.isArray(check) ? (check as readonly string[]) : [];
  const unknown = [...new Set([...overridden, ...checked])].filter((name) => !names.includes(name));
  if (unknown.length === 0) return undefined;
  const told = `No container is called ${toList(unknown)} in ${toName(definition.taskDefinitionArn)}; it has ${toList(names)}.`;
  return { code: "ECS_PROPERTIES_INVALID", message: told };
}

function toName(taskDefinitionArn = ""): string {
  return taskDefinitionArn.slice(taskDefinitionArn.lastIndexOf("/") + 1);
}

function toList(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.map((name) => `"${name}"`).join(", ");
}
