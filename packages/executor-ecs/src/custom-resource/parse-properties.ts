import { cutText, isMap } from "@stackyard/core";
import { parseOverrides } from "../parse-overrides.ts";

/** ECS accepts 50 tags; four are ours. */
const MAX_TAGS = 46;

/**
 * The settings with which tasks are started, as ECS's RunTask takes them (Amazon ECS API reference, "RunTask", "AwsVpcConfiguration",
 * "CapacityProviderStrategyItem", "PlacementConstraint", "PlacementStrategy", "Tag").
 */
const readNetworkConfiguration = fieldsOf(
  {
    awsvpcConfiguration: fieldsOf(
      {
        subnets: listOf(readText, 1, 16),
        securityGroups: listOf(readText, 0, 5),
        assignPublicIp: oneOf("ENABLED", "DISABLED"),
      },
      ["subnets"],
    ),
  },
  ["awsvpcConfiguration"],
);

/** At most 20 capacity providers with their shares. */
const readCapacityProviderStrategy = listOf(
  fieldsOf({ capacityProvider: readText, weight: integerFrom(0, 1_000), base: integerFrom(0, 100_000) }, [
    "capacityProvider",
  ]),
  0,
  20,
);

/** At most 10 placement constraints. */
const readPlacementConstraints = listOf(
  fieldsOf({ type: oneOf("distinctInstance", "memberOf"), expression: readText }, ["type"]),
  0,
  10,
);

/** At most 5 placement strategies. */
const readPlacementStrategy = listOf(
  fieldsOf({ type: oneOf("random", "spread", "binpack"), field: readText }, ["type"]),
  0,
  5,
);

/** Tags in addition to ours; a value is optional. */
const readTags = listOf(fieldsOf({ key: readTagKey, value: readTagValue }, ["key"]), 0, MAX_TAGS);

/** Reads the ARN of a target group of Elastic Load Balancing. */
const readTargetGroup: Reader<string> = (value, place) => {
  const arn = readText(value, place);
  if (arn === undefined || /^arn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:\d{12}:targetgroup\/[^\s]+$/.test(arn))
    return arn;
  return refuse(place, "must be the ARN of a target group.");
};

const MAX_CRITERIA = 100;

const MAX_KEYS = 500;

const ALIASES = ["EnvironmentKeys", "EnvironmentKey"];

/** Reads the property `UpdateCriteria`. An empty list counts as missing. */
const readUpdateCriteria = listOf(readCriterion, 0, MAX_CRITERIA);

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
  LaunchType: ["launchType", oneOf("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES")],
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
  StopOnError: ["stopOnError", readBoolean],
} as const satisfies Readonly<Record<string, readonly [string, Reader<unknown>]>>;

/** Accepted without effect: `Triggers` lets a change elsewhere cause an update. */
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
  stopOnError: false,
} as const;

type Table = typeof READERS;
type Read = { readonly [Name in keyof Table as Table[Name][0]]?: ValueOf<Table[Name][1]> };
type Needed = "cluster" | "taskDefinition" | keyof typeof DEFAULTS;

/** The properties of a resource of the type `Custom::ECSTask`. Times are whole seconds, as in the template. */
export type TaskProperties = { readonly [Name in Needed]: Exclude<Read[Name], undefined> } & Omit<Read, Needed>;

/** The parsed properties, or all their faults. */
export type PropertiesResult =
  | { readonly kind: "config"; readonly config: TaskProperties; readonly warnings: readonly string[] }
  | { readonly kind: "problems"; readonly problems: readonly PropertyProblem[] };

/**
 * Parses `ResourceProperties` of a request of CloudFormation, which passes every scalar as text; native forms are
 * accepted too. Never throws. Unknown properties are ignored with a warning.
 */
export function parseProperties(resourceProperties: unknown): PropertiesResult {
  if (!isMap(resourceProperties)) {
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

/** Returns the known properties unchanged: the part of a request to store. */
export function pickProperties(properties: unknown): unknown {
  if (!isMap(properties)) return properties;
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

/** Returns true for an empty list, which counts as missing. */
function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/**
 * Returns contradictions: StartTask accepts neither a launch type nor capacity providers, and only Fargate a platform
 * version.
 */
function findContradictions(read: Read): readonly PropertyProblem[] {
  const { instances, launchType, capacityProviderStrategy, placementStrategy, platformVersion } = read;
  const isFargate =
    launchType === "FARGATE" || capacityProviderStrategy?.some((item) => item.capacityProvider.startsWith("FARGATE"));
  const onInstances = "cannot be combined with Instances, which sets where each task runs.";
  const faults: readonly (readonly [boolean, string, string])[] = [
    [
      instances !== undefined && (launchType === "FARGATE" || launchType === "MANAGED_INSTANCES"),
      "/LaunchType",
      `${launchType} ${onInstances}`,
    ],
    [instances !== undefined && capacityProviderStrategy !== undefined, "/CapacityProviderStrategy", onInstances],
    [instances !== undefined && placementStrategy !== undefined, "/PlacementStrategy", onInstances],
    [
      launchType !== undefined && launchType !== "MANAGED_INSTANCES" && capacityProviderStrategy !== undefined,
      "/LaunchType",
      "cannot be combined with CapacityProviderStrategy. Remove one of them.",
    ],
    [platformVersion !== undefined && isFargate !== true, "/PlatformVersion", "is supported on Fargate only."],
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
    ...(unknown.length > 0 ? [`Unknown properties are ignored: ${named}.`] : []),
    ...(instances.length > 0 && placementConstraints
      ? ["PlacementConstraints are ignored when Instances is set."]
      : []),
  ];
}

/** Reads the timeout. 0: starts the tasks and does not wait for them. */
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

function readTagKey(value: unknown, place: Place): string | undefined {
  const key = readText(value, place);
  if (key === undefined) return undefined;
  if (key.length > 128) return refuse(place, "must have at most 128 characters.");
  if (/^(aws|stackyard):/i.test(key)) return refuse(place, 'must not begin with "aws:" or "stackyard:".');
  return key;
}

function readTagValue(value: unknown, place: Place): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string" && value.length <= 256) return value;
  return refuse(place, "must be text of at most 256 characters.");
}

/** Which variables of a container make an update run the tasks again. */
export interface UpdateCriterion {
  readonly container: string;
  readonly environmentKeys: readonly string[];
}

/** Reads a criterion. `EnvironmentKey`, as in some documentation, may be one name. */
function readCriterion(value: unknown, place: Place): UpdateCriterion | undefined {
  if (!isMap(value)) return refuse(place, `must be an object; it is ${toShown(value)}.`);
  const { path, report } = countFaults(place);
  for (const key of Object.keys(value)) {
    if (key === "Container" || ALIASES.includes(key)) continue;
    report({ path: `${path}/${toSegment(key)}`, message: "is unknown; valid are Container, EnvironmentKeys." });
  }
  const container = readText(value["Container"], { path: `${path}/Container`, report });
  const environmentKeys = readKeys(value, { path, report });
  if (report.count() > 0 || container === undefined || environmentKeys === undefined) return undefined;
  return { container, environmentKeys };
}

function readKeys(value: Readonly<Record<string, unknown>>, { path, report }: Place): readonly string[] | undefined {
  const [name = "EnvironmentKeys", second] = ALIASES.filter((alias) => Object.hasOwn(value, alias));
  const place = { path: `${path}/${name}`, report };
  if (second !== undefined) return refuse(place, `cannot be combined with ${second}.`);
  const given = value[name];
  const isOne = name === "EnvironmentKey" && typeof given === "string";
  return listOf(readText, 1, MAX_KEYS)(isOne ? [given] : given, place);
}

/** The fault of a property and its place, a JSON pointer such as `/Overrides/containerOverrides/0/cpu`. */
export interface PropertyProblem {
  readonly path: string;
  readonly message: string;
}

/** The path of a value, and the receiver of its problems. */
interface Place {
  readonly path: string;
  readonly report: (problem: PropertyProblem) => void;
}

/** Reads one value from text or its native form. Returns undefined after it has reported a problem. */
type Reader<Value> = (value: unknown, place: Place) => Value | undefined;

/** The result type of a reader. */
type ValueOf<R> = R extends Reader<infer Value> ? Value : never;

const MAX_TEXT = 2_048;
const SHOWN = 60;

/** Reports a fault. */
function refuse({ path, report }: Place, message: string): undefined {
  report({ path, message });
}

/** Formats a value for a message. */
export function toShown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? String(value));
  return cutText(text, SHOWN);
}

/** Reads text that is not empty. */
function readText(value: unknown, place: Place): string | undefined {
  if (typeof value !== "string") return refuse(place, `must be text; it is ${toShown(value)}.`);
  if (value.trim() === "") return refuse(place, "must not be empty.");
  if (value.length > MAX_TEXT) return refuse(place, `must have at most ${MAX_TEXT} characters.`);
  return value;
}

/** Converts a whole number, or its digits: CloudFormation passes numbers as text. */
function toInteger(value: unknown): number | undefined {
  if (typeof value === "string" && /^\d{1,15}$/.test(value)) return Number(value);
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

/** Creates a reader of whole numbers in a range. */
function integerFrom(min: number, max: number): Reader<number> {
  return (value, place) => {
    const number = toInteger(value);
    if (number !== undefined && number >= min && number <= max) return number;
    return refuse(place, `must be a whole number from ${min} to ${max}; it is ${toShown(value)}.`);
  };
}

/** Reads `true` or `false`, or one of the words true, yes, false and no in any case. */
function readBoolean(value: unknown, place: Place): boolean | undefined {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.toLowerCase() : "";
  if (word === "true" || word === "yes") return true;
  if (word === "false" || word === "no") return false;
  return refuse(place, `must be true, false, yes or no; it is ${toShown(value)}.`);
}

/** Creates a reader of some words, with exactly this spelling. */
function oneOf<const Word extends string>(...words: readonly Word[]): Reader<Word> {
  return (value, place) => {
    const found = words.find((word) => word === value);
    return found ?? refuse(place, `must be one of ${words.join(", ")}; it is ${toShown(value)}.`);
  };
}

/** Creates a reader of lists with `min` to `max` entries of one kind. */
function listOf<Value>(entry: Reader<Value>, min: number, max: number): Reader<Value[]> {
  return (value, { path, report }) => {
    const place = { path, report };
    if (!Array.isArray(value)) return refuse(place, `must be a list; it is ${toShown(value)}.`);
    if (value.length < min) return refuse(place, `must have at least ${min} ${min === 1 ? "entry" : "entries"}.`);
    if (value.length > max) return refuse(place, `must have at most ${max} entries; it has ${value.length}.`);
    const read = value.map((item: unknown, index) => entry(item, { path: `${path}/${index}`, report }));
    return read.every((item) => item !== undefined) ? read : undefined;
  };
}

type Shape = Readonly<Record<string, Reader<unknown>>>;
type FieldsOf<S extends Shape, Required extends keyof S> = { readonly [K in Required]: ValueOf<S[K]> } & {
  readonly [K in Exclude<keyof S, Required>]?: ValueOf<S[K]>;
};

/**
 * Creates a reader of objects with known keys. ECS begins them with a small letter, authors of templates often with a
 * capital one, so both are accepted.
 */
function fieldsOf<S extends Shape, Required extends keyof S & string>(
  shape: S,
  required: readonly Required[],
): Reader<FieldsOf<S, Required>> {
  return (value, place) => {
    if (!isMap(value)) return refuse(place, `must be an object; it is ${toShown(value)}.`);
    const { path, report } = countFaults(place);
    const read = readKnown(shape, value, { path, report });
    const absent = required.filter((key) => !read.has(key));
    for (const key of absent) refuse({ path: `${path}/${key}`, report }, "is required.");
    return report.count() > 0 ? undefined : (Object.fromEntries(read) as FieldsOf<S, Required>);
  };
}

function readKnown(shape: Shape, value: Readonly<Record<string, unknown>>, { path, report }: Place) {
  const read = new Map<string, unknown>();
  for (const [written, item] of Object.entries(value)) {
    const key = written.charAt(0).toLowerCase() + written.slice(1);
    const at = { path: `${path}/${toSegment(written)}`, report };
    const reader = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (reader === undefined) refuse(at, `is unknown; valid are ${Object.keys(shape).join(", ")}.`);
    else if (read.has(key)) refuse(at, "is set twice.");
    else read.set(key, reader(item, at));
  }
  return read;
}

/** Wraps a place and counts the problems reported there. */
function countFaults({ path, report }: Place) {
  let count = 0;
  const counting = (problem: PropertyProblem): void => {
    count += 1;
    report(problem);
  };
  return { path, report: Object.assign(counting, { count: () => count }) };
}

/** Formats a key as a segment of a JSON pointer (RFC 6901, section 3), bounded. */
function toSegment(key: string): string {
  const shown = cutText(key, SHOWN);
  return shown.replaceAll("~", "~0").replaceAll("/", "~1");
}
