import { queryFaults } from "../query-faults.ts";
import { findNumber, findText, type ServiceFaults, type SimCall } from "../sim-call.ts";
import { parsePageToken, SimFault, toPageToken } from "../sim-fault.ts";
import { createTargetStates, type TargetStates } from "./targets.ts";

/** A target group to make. */
export interface TargetGroupInput {
  readonly account: string;
  readonly region: string;
  readonly name: string;
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
  /** Default: 80. */
  readonly port?: number;
}

/** The stored state of a target group. */
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
