import { defined } from "@stackyard/core";
import { DEFAULT_VPC } from "../ec2/resources.ts";
import { queryFaults } from "../service-faults.ts";
import {
  findNumber,
  findText,
  isOwn,
  type NamedResource,
  type ServiceFaults,
  type SimCall,
  textOf,
  textsOf,
} from "../sim-call.ts";
import { cutPage, SimFault } from "../sim-fault.ts";
import { createTargetStates, type TargetNow, type TargetState, type TargetStates } from "./targets.ts";

/** A target group to make. */
export interface TargetGroupInput extends NamedResource {
  readonly tags?: Readonly<Record<string, string>>;
  /** Default: 0, which disables it. */
  readonly slowStartSeconds?: number;
  /** Default: 300. */
  readonly deregistrationDelaySeconds?: number;
  /**
   * How long connections really live after a deregistration; `Infinity`: a drain that never ends. Default: the whole delay. AWS
   * ends sooner where a target has no connections.
   */
  readonly drainsForMs?: number;
}

/** The stored state of a target group. */
export interface TargetGroup extends NamedResource {
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
  /** All of its attributes, as texts. */
  attributes: Readonly<Record<string, string>>;
  readonly drainsForMs: number | undefined;
  readonly targets: TargetStates;
}

/** The port of every target group. */
export const PORT = 80;

/**
 * Creates a target group; `number` makes its ARN unique. Source: API reference, "TargetGroupAttribute": those of groups of an
 * Application Load Balancer, with their defaults.
 */
export function createTargetGroup(input: TargetGroupInput, number: number): TargetGroup {
  const {
    account,
    region,
    name,
    tags = {},
    drainsForMs,
    slowStartSeconds = 0,
    deregistrationDelaySeconds = 300,
  } = input;
  const id = String(number).padStart(16, "0");
  return {
    arn: `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/${name}/${id}`,
    account,
    region,
    name,
    tags,
    drainsForMs,
    attributes: {
      "deregistration_delay.timeout_seconds": String(deregistrationDelaySeconds),
      "load_balancing.algorithm.type": "round_robin",
      "slow_start.duration_seconds": String(slowStartSeconds),
      "stickiness.enabled": "false",
      "stickiness.lb_cookie.duration_seconds": "86400",
      "stickiness.type": "lb_cookie",
    },
    targets: createTargetStates(),
  };
}

/** Returns how long a target that is deregistered drains. */
export function drainMsOf({ attributes, drainsForMs }: TargetGroup): number {
  return drainsForMs ?? Number(attributes["deregistration_delay.timeout_seconds"]) * 1_000;
}

/** Common errors of Elastic Load Balancing; "Request throttling for the Elastic Load Balancing API" has a code of its own. */
export const balancingFaults: ServiceFaults = {
  ...queryFaults,
  throttled: () => new SimFault("ThrottlingException", 400, "Rate exceeded"),
};

/** API references of both generations, "PageSize": 1 to 400. */
const MAX_PAGE = 400;

/**
 * Returns a page of a list, and the marker of the next one ("DescribeTargetGroups" and "DescribeLoadBalancers": Marker,
 * PageSize).
 */
export function toMarkedPage<Item>(found: readonly Item[], { input }: SimCall) {
  const size = findNumber(input, "PageSize") ?? MAX_PAGE;
  if (size < 1 || size > MAX_PAGE) throw queryFaults.invalid(`Page size must be between 1 and ${MAX_PAGE}`);
  const marker = findText(input, "Marker");
  const unknown = () => queryFaults.invalid(`The marker '${marker}' is not valid`);
  const { rows: page, next } = cutPage(found, { size, token: marker }, unknown);
  return { page, ...defined({ NextMarker: next }) };
}

/** Groups by their ARNs. */
export type TargetGroups = ReadonlyMap<string, TargetGroup>;

/** Returns the group, if it is the caller's, in the requested region. */
export function openTargetGroup(groups: TargetGroups, arn: string, call: SimCall): TargetGroup {
  const group = groups.get(arn);
  if (group === undefined || !isOwn(group, call)) throw notFound();
  return group;
}

/** Follows the API reference, "DescribeTargetGroups", errors. */
function notFound(): SimFault {
  return new SimFault("TargetGroupNotFoundException", 400, "One or more target groups not found");
}

/** "TargetGroupAttribute": the range of 0 to 3600 seconds, and 30 to 900 with 0 for none. */
const RANGES: Readonly<Record<string, (seconds: number) => boolean>> = {
  "deregistration_delay.timeout_seconds": (seconds) => seconds >= 0 && seconds <= 3_600,
  "slow_start.duration_seconds": (seconds) => seconds === 0 || (seconds >= 30 && seconds <= 900),
};

/** Implements DescribeTargetGroupAttributes. */
export function describeTargetGroupAttributes(groups: TargetGroups, call: SimCall): unknown {
  return toAttributes(openTargetGroup(groups, textOf(call.input, "TargetGroupArn"), call).attributes);
}

/** Implements ModifyTargetGroupAttributes: all of the request or nothing. */
export function modifyTargetGroupAttributes(groups: TargetGroups, call: SimCall): unknown {
  const group = openTargetGroup(groups, textOf(call.input, "TargetGroupArn"), call);
  const changes = Array.isArray(call.input["Attributes"]) ? call.input["Attributes"] : [];
  for (const { Key, Value } of changes) check(group.attributes, String(Key), String(Value));
  const changed = changes.map(({ Key, Value }) => [String(Key), String(Value)]);
  group.attributes = { ...group.attributes, ...Object.fromEntries(changed) };
  return toAttributes(group.attributes);
}

function check(known: Readonly<Record<string, string>>, key: string, value: string): void {
  if (known[key] === undefined) throw queryFaults.invalid(`Target group attribute key '${key}' is not recognized`);
  const fits = RANGES[key];
  if (fits === undefined) return;
  if (!/^\d+$/.test(value) || !fits(Number(value))) {
    throw queryFaults.invalid(`'${key}' value '${value}' is not valid`);
  }
}

function toAttributes(attributes: Readonly<Record<string, string>>): object {
  return { Attributes: Object.entries(attributes).map(([Key, Value]) => ({ Key, Value })) };
}

/** "TargetHealth", Reason: the code that goes with a state; a healthy target has none. */
const REASONS: Readonly<Record<TargetState, string | undefined>> = {
  initial: "Elb.InitialHealthChecking",
  healthy: undefined,
  unhealthy: "Target.FailedHealthChecks",
  unused: "Target.NotRegistered",
  draining: "Target.DeregistrationInProgress",
  unavailable: "Elb.InternalError",
};

/**
 * The description of each reason. Sources: API reference, "TargetHealth"; user guide, "Health checks for Application Load
 * Balancer target groups" (the texts of the console).
 */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  "Elb.InitialHealthChecking": "Initial health checks in progress",
  "Elb.RegistrationInProgress": "Target registration is in progress",
  "Elb.InternalError": "Health checks failed due to an internal error",
  "Target.DeregistrationInProgress": "Target deregistration is in progress",
  "Target.FailedHealthChecks": "Health checks failed",
  "Target.HealthCheckDisabled": "Health checks are disabled for this target",
  "Target.InvalidState": "Target is in the stopped state",
  "Target.NotInUse": "Target group is not configured to receive traffic from the load balancer",
  "Target.NotRegistered": "Target is not registered to the target group",
  "Target.ResponseCodeMismatch": "Health checks failed with these codes: [502]",
  "Target.Timeout": "Request timed out",
};

/** Implements DescribeTargetHealth: of all targets, or of those that are named; a stranger is `unused`. */
export function describeTargetHealth(groups: TargetGroups, call: SimCall): unknown {
  const { input, now } = call;
  const registered = openTargetGroup(groups, textOf(input, "TargetGroupArn"), call).targets.list(now);
  const asked: readonly string[] | undefined = Array.isArray(input["Targets"])
    ? input["Targets"].map(({ Id }) => Id)
    : undefined;
  const named = registered.filter(({ id }) => asked?.includes(id) ?? true);
  const strangers = (asked ?? []).filter((id) => !named.some((each) => each.id === id));
  const unused = strangers.map((id): TargetNow => ({ id, port: undefined, state: "unused" }));
  return { TargetHealthDescriptions: [...named, ...unused].map(toDescription) };
}

function toDescription({ id, port, state, reason, description }: TargetNow): object {
  const Reason = reason ?? REASONS[state];
  const Description = description ?? DESCRIPTIONS[Reason ?? ""];
  return defined({
    Target: defined({ Id: id, Port: port }),
    HealthCheckPort: port === undefined ? undefined : String(port),
    TargetHealth: defined({ State: state, Reason, Description }),
  });
}

/** Implements DescribeTargetGroups: by names or ARNs, or all; one that is missing fails the whole request. */
export function describeTargetGroups(groups: TargetGroups, call: SimCall): unknown {
  const names = textsOf(call.input, "Names");
  const arns = textsOf(call.input, "TargetGroupArns");
  if (names.length > 0 && arns.length > 0) {
    throw queryFaults.invalid("Target group names and target group ARNs cannot be specified at the same time");
  }
  const own = [...groups.values()].filter((group) => isOwn(group, call));
  const found = own.filter(({ name, arn }) => {
    if (names.length > 0) return names.includes(name);
    return arns.length === 0 || arns.includes(arn);
  });
  if (found.length < new Set([...names, ...arns]).size) throw notFound();
  const { page, ...next } = toMarkedPage(found, call);
  return { TargetGroups: page.map(toTargetGroup), ...next };
}

function toTargetGroup({ arn, name }: TargetGroup): object {
  return {
    TargetGroupArn: arn,
    TargetGroupName: name,
    Protocol: "HTTP",
    Port: PORT,
    VpcId: DEFAULT_VPC,
    HealthCheckEnabled: true,
    HealthCheckIntervalSeconds: 30,
    HealthCheckPath: "/",
    HealthCheckPort: "traffic-port",
    HealthCheckProtocol: "HTTP",
    HealthCheckTimeoutSeconds: 5,
    HealthyThresholdCount: 5,
    UnhealthyThresholdCount: 2,
    IpAddressType: "ipv4",
    LoadBalancerArns: [],
    Matcher: { HttpCode: "200" },
    ProtocolVersion: "HTTP1",
    TargetType: "instance",
  };
}
