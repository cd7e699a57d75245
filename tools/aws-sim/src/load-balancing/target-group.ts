import {
  findNumber,
  findText,
  parsePageToken,
  queryFaults,
  type ServiceFaults,
  type SimCall,
  SimFault,
  textOf,
  toPageToken,
} from "../sim-call.ts";
import { openTargetGroup, type TargetGroups } from "./target-groups.ts";
import { createTargetStates, type TargetStates } from "./targets.ts";

/** A target group to make. */
export interface TargetGroupInput {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Default: 0, which is none. */
  readonly slowStartSeconds?: number;
  /** Default: 300. */
  readonly deregistrationDelaySeconds?: number;
  /**
   * How long connections really live after a deregistration; `Infinity`: a drain that never ends. Default: the whole delay. AWS
   * ends sooner where a target has no connections.
   */
  readonly drainsForMs?: number;
  /** Default: 80. */
  readonly port?: number;
}

/** A target group as it is kept. */
export interface TargetGroup {
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly port: number;
  tags: Readonly<Record<string, string>>;
  /** All of its attributes, as texts. */
  attributes: Readonly<Record<string, string>>;
  readonly drainsForMs: number | undefined;
  readonly targets: TargetStates;
}

/** API reference, "TargetGroupAttribute": those of groups of an Application Load Balancer, with their defaults. */
const DEFAULTS: Readonly<Record<string, string>> = {
  "deregistration_delay.timeout_seconds": "300",
  "load_balancing.algorithm.type": "round_robin",
  "slow_start.duration_seconds": "0",
  "stickiness.enabled": "false",
  "stickiness.lb_cookie.duration_seconds": "86400",
  "stickiness.type": "lb_cookie",
};

/** A new one; `number` makes its ARN unique. */
export function createTargetGroup(input: TargetGroupInput, number: number): TargetGroup {
  const { account, region, name, port = 80, tags = {}, drainsForMs } = input;
  const { slowStartSeconds, deregistrationDelaySeconds } = input;
  const id = String(number).padStart(16, "0");
  return {
    arn: `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/${name}/${id}`,
    account,
    region,
    name,
    port,
    tags,
    drainsForMs,
    attributes: {
      ...DEFAULTS,
      ...(slowStartSeconds === undefined ? {} : { "slow_start.duration_seconds": String(slowStartSeconds) }),
      ...(deregistrationDelaySeconds === undefined
        ? {}
        : { "deregistration_delay.timeout_seconds": String(deregistrationDelaySeconds) }),
    },
    targets: createTargetStates(),
  };
}

/** How long a target that is deregistered drains. */
export function drainMsOf({ attributes, drainsForMs }: TargetGroup): number {
  return drainsForMs ?? Number(attributes["deregistration_delay.timeout_seconds"]) * 1_000;
}

/** "TargetGroupAttribute": the range of 0 to 3600 seconds, and 30 to 900 with 0 for none. */
const RANGES: Readonly<Record<string, (seconds: number) => boolean>> = {
  "deregistration_delay.timeout_seconds": (seconds) => seconds >= 0 && seconds <= 3_600,
  "slow_start.duration_seconds": (seconds) => seconds === 0 || (seconds >= 30 && seconds <= 900),
};

/** DescribeTargetGroupAttributes. */
export function describeTargetGroupAttributes(groups: TargetGroups, call: SimCall): unknown {
  return toAttributes(openTargetGroup(groups, textOf(call.input, "TargetGroupArn"), call).attributes);
}

/** ModifyTargetGroupAttributes: all of the request or nothing. */
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

/** Common errors of Elastic Load Balancing; "Request throttling for the Elastic Load Balancing API" has a code of its own. */
export const balancingFaults: ServiceFaults = {
  ...queryFaults,
  throttled: () => new SimFault("ThrottlingException", 400, "Rate exceeded"),
};

/** API references of both generations, "PageSize": 1 to 400. */
const MAX_PAGE = 400;

/** A page of a list, and the marker of the next one ("DescribeTargetGroups" and "DescribeLoadBalancers": Marker, PageSize). */
export function toMarkedPage<Item>(
  found: readonly Item[],
  { input }: SimCall,
): { readonly page: readonly Item[]; readonly NextMarker?: string } {
  const size = findNumber(input, "PageSize") ?? MAX_PAGE;
  if (size < 1 || size > MAX_PAGE) throw queryFaults.invalid(`Page size must be between 1 and ${MAX_PAGE}`);
  const marker = findText(input, "Marker");
  const from = parsePageToken(marker);
  if (from === undefined) throw queryFaults.invalid(`The marker '${marker}' is not valid`);
  const end = from + size;
  return { page: found.slice(from, end), ...(end < found.length ? { NextMarker: toPageToken(end) } : {}) };
}
