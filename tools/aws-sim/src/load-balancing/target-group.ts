import { createTargetStates, type TargetStates } from "./target-states.ts";

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
