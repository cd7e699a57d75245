import { parseOverrides } from "../parse-overrides.ts";
import {
  integerFrom,
  isJsonObject,
  listOf,
  oneOf,
  type Place,
  type PropertyProblem,
  type Reader,
  readBoolean,
  readText,
  refuse,
  toInteger,
  toSegment,
  toShown,
  type ValueOf,
} from "./property-readers.ts";
import {
  readCapacityProviderStrategy,
  readNetworkConfiguration,
  readPlacementConstraints,
  readPlacementStrategy,
  readTags,
  readTargetGroup,
} from "./start-readers.ts";
import { readUpdateCriteria } from "./update-criteria.ts";

/** Seconds after which CloudFormation has its answer: it waits an hour itself. */
const MAX_WAIT = 3_540;
const DEFAULT_TIMEOUT = 3_600;
const MAX_INSTANCES = 10;
const MAX_CONTAINERS = 100;

const readInstances: Reader<readonly string[]> = listOf(readText, 0, MAX_INSTANCES);

/** The properties of `Custom::ECSTask` that are read, by the name that their value has in the config. */
const READERS = {
  Cluster: ["cluster", readText],
  TaskDefinition: ["taskDefinition", readText],
  Count: ["count", integerFrom(0, 10)],
  Timeout: ["timeout", readTimeout],
  PollInterval: ["pollInterval", integerFrom(10, 60)],
  RunOnUpdate: ["runOnUpdate", readBoolean],
  RunOnRollback: ["runOnRollback", readBoolean],
  Instances: ["instances", readInstances],
  Overrides: ["overrides", readOverrides],
  UpdateCriteria: ["updateCriteria", readUpdateCriteria],
  LaunchType: ["launchType", oneOf("EC2", "FARGATE", "EXTERNAL")],
  CapacityProviderStrategy: ["capacityProviderStrategy", readCapacityProviderStrategy],
  PlatformVersion: ["platformVersion", readText],
  NetworkConfiguration: ["networkConfiguration", readNetworkConfiguration],
  Group: ["group", readText],
  EnableExecuteCommand: ["enableExecuteCommand", readBoolean],
  PropagateTags: ["propagateTags", oneOf("TASK_DEFINITION", "NONE")],
  Tags: ["tags", readTags],
  PlacementConstraints: ["placementConstraints", readPlacementConstraints],
  PlacementStrategy: ["placementStrategy", readPlacementStrategy],
  CheckContainers: ["checkContainers", readCheckContainers],
  PlacementTimeout: ["placementTimeout", integerFrom(0, 900)],
  TargetGroupHealthCheck: ["targetGroupHealthCheck", readTargetGroup],
  ServiceTimeout: ["serviceTimeout", integerFrom(1, 3_600)],
} as const satisfies Readonly<Record<string, readonly [string, Reader<unknown>]>>;

/** Known, and of no meaning here: `Triggers` is there so that a change elsewhere causes an update. */
const IGNORED = ["ServiceToken", "Triggers"];
const DEFAULTS = {
  count: 1,
  timeout: MAX_WAIT,
  pollInterval: 10,
  runOnUpdate: true,
  runOnRollback: true,
  instances: [] as readonly string[],
  overrides: {},
  checkContainers: "all",
  placementTimeout: 0,
} as const;

type Table = typeof READERS;
type Read = { readonly [Name in keyof Table as Table[Name][0]]?: ValueOf<Table[Name][1]> };
type Needed = "cluster" | "taskDefinition" | keyof typeof DEFAULTS;

/** What a resource of the type `Custom::ECSTask` asks for. Times are whole seconds, as in the properties. */
export type TaskProperties = { readonly [Name in Needed]: Exclude<Read[Name], undefined> } & Omit<Read, Needed>;

/** The properties, read; or everything that is wrong with them. */
export type PropertiesResult =
  | { readonly kind: "config"; readonly config: TaskProperties; readonly warnings: readonly string[] }
  | { readonly kind: "problems"; readonly problems: readonly PropertyProblem[] };

/**
 * Reads `ResourceProperties` of a request of CloudFormation, which hands every scalar over as text; the native forms are
 * taken too. Never throws. Unknown properties are ignored and named in a warning.
 */
export function parseProperties(resourceProperties: unknown): PropertiesResult {
  if (!isJsonObject(resourceProperties)) {
    const message = `must be an object; it is ${toShown(resourceProperties)}.`;
    return { kind: "problems", problems: [{ path: "", message }] };
  }
  const problems: PropertyProblem[] = [];
  const report = (problem: PropertyProblem) => void problems.push(problem);
  const read = readAll(resourceProperties, report);
  problems.push(...findContradictions(read));
  const { cluster, taskDefinition } = read;
  if (problems.length > 0 || cluster === undefined || taskDefinition === undefined)
    return { kind: "problems", problems };
  const config: TaskProperties = { ...DEFAULTS, ...read, cluster, taskDefinition };
  return { kind: "config", config, warnings: listWarnings(resourceProperties, config) };
}

/** The properties that are read, as they were given: what need be remembered of a request. */
export function pickProperties(properties: unknown): unknown {
  if (!isJsonObject(properties)) return properties;
  return Object.fromEntries(Object.entries(properties).filter(([name]) => Object.hasOwn(READERS, name)));
}

function readAll(properties: Readonly<Record<string, unknown>>, report: Place["report"]): Read {
  const read: Record<string, unknown> = {};
  for (const [name, [key, reader]] of Object.entries(READERS)) {
    const value = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const result = value === undefined ? undefined : reader(value, { path: `/${name}`, report });
    if (result !== undefined && !isEmptyList(result)) read[key] = result;
  }
  for (const name of ["Cluster", "TaskDefinition"]) {
    if (!Object.hasOwn(properties, name) || properties[name] === undefined) {
      report({ path: `/${name}`, message: "is required." });
    }
  }
  return read as Read;
}

/** An empty list is as good as none. */
function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** StartTask takes neither a launch type nor capacity providers, and a platform version is Fargate's alone. */
function findContradictions(read: Read): readonly PropertyProblem[] {
  const { instances, launchType, capacityProviderStrategy, placementStrategy, platformVersion } = read;
  const isFargate =
    launchType === "FARGATE" || capacityProviderStrategy?.some((item) => item.capacityProvider.startsWith("FARGATE"));
  const onInstances = "cannot stand beside Instances, which names where each task runs.";
  const faults: readonly (readonly [boolean, string, string])[] = [
    [instances !== undefined && launchType === "FARGATE", "/LaunchType", `FARGATE ${onInstances}`],
    [instances !== undefined && capacityProviderStrategy !== undefined, "/CapacityProviderStrategy", onInstances],
    [instances !== undefined && placementStrategy !== undefined, "/PlacementStrategy", onInstances],
    [
      launchType !== undefined && capacityProviderStrategy !== undefined,
      "/LaunchType",
      "cannot stand beside CapacityProviderStrategy: give one of them.",
    ],
    [platformVersion !== undefined && isFargate !== true, "/PlatformVersion", "can be given with Fargate only."],
  ];
  return faults.flatMap(([wrong, path, message]) => (wrong ? [{ path, message }] : []));
}

function listWarnings(
  properties: Readonly<Record<string, unknown>>,
  { instances, placementConstraints }: TaskProperties,
) {
  const unknown = Object.keys(properties).filter((name) => !Object.hasOwn(READERS, name) && !IGNORED.includes(name));
  const named = unknown.slice(0, 10).map(toSegment).join(", ");
  return [
    ...(unknown.length > 0 ? [`These properties are not known and are ignored: ${named}.`] : []),
    ...(instances.length > 0 && placementConstraints ? ["PlacementConstraints are ignored beside Instances."] : []),
  ];
}

/** 0: the tasks are started and not waited for. */
function readTimeout(value: unknown, place: Place): number | undefined {
  const seconds = toInteger(value);
  if (seconds === 0 || (seconds !== undefined && seconds >= 10 && seconds <= DEFAULT_TIMEOUT)) {
    return Math.min(seconds, MAX_WAIT);
  }
  return refuse(place, `must be 0, or seconds from 10 to ${DEFAULT_TIMEOUT}; it is ${toShown(value)}.`);
}

function readCheckContainers(value: unknown, place: Place): "all" | "essential" | readonly string[] | undefined {
  if (value === "all" || value === "essential") return value;
  if (Array.isArray(value)) return listOf(readText, 1, MAX_CONTAINERS)(value, place);
  return refuse(place, `must be all, essential, or a list of containers' names; it is ${toShown(value)}.`);
}

function readOverrides(value: unknown, { path, report }: Place) {
  const result = parseOverrides(value);
  if (!("problems" in result)) return result.overrides;
  for (const problem of result.problems) report({ path: path + problem.path, message: problem.message });
  return undefined;
}
