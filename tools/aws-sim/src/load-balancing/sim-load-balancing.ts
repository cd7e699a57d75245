import type { ServiceFaults, SimCall, SimService } from "../sim-call.ts";
import { textOf } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

/** Target groups and how their targets are. */
export interface SimLoadBalancing {
  readonly service: SimService;
  /** Gives the ARN. */
  addTargetGroup(input: { readonly account: string; readonly region: string; readonly name: string }): string;
  /** Registers a target, or changes it from an instant on. */
  setTarget(targetGroupArn: string, target: TargetInput): void;
}

/** The health of one target. */
export interface TargetInput {
  readonly id: string;
  readonly port?: number;
  readonly state: TargetState;
  /** From then on. Default: ever since. */
  readonly at?: number;
}

/** API reference, "TargetHealth". */
export type TargetState = keyof typeof REASONS;

/** The reason code that goes with a state; a healthy target has none. */
const REASONS = {
  initial: "Elb.InitialHealthChecking",
  healthy: undefined,
  unhealthy: "Target.FailedHealthChecks",
  unused: "Target.NotRegistered",
  draining: "Target.DeregistrationInProgress",
  unavailable: "Elb.InternalError",
} as const;

/** "Common errors" of services that speak the query protocol. */
const faults: ServiceFaults = {
  unknownKey: () => new SimFault("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
  expired: () => new SimFault("ExpiredToken", 403, "The security token included in the request is expired"),
  denied: (who, action) => new SimFault("AccessDenied", 403, `User: ${who} is not authorized to perform: ${action}`),
  throttled: () => new SimFault("Throttling", 400, "Rate exceeded"),
};

/** Elastic Load Balancing without load. Source: API reference (2015-12-01), "DescribeTargetHealth". */
export function createLoadBalancing(): SimLoadBalancing {
  const groups = new Map<string, TargetInput[]>();
  return {
    service: {
      operations: { DescribeTargetHealth: (call) => describeTargetHealth(groups, call) },
      toAction: (operation) => `elasticloadbalancing:${operation}`,
      faults,
    },
    addTargetGroup({ account, region, name }) {
      const id = String(groups.size + 1).padStart(16, "0");
      const arn = `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/${name}/${id}`;
      groups.set(arn, []);
      return arn;
    },
    setTarget: (arn, target) => void groups.get(arn)?.push(target),
  };
}

function describeTargetHealth(groups: ReadonlyMap<string, readonly TargetInput[]>, { input, now }: SimCall): unknown {
  const changes = groups.get(textOf(input, "TargetGroupArn"));
  if (changes === undefined) {
    throw new SimFault("TargetGroupNotFoundException", 400, "One or more target groups not found");
  }
  const latest = new Map<string, TargetInput>();
  for (const change of changes) if ((change.at ?? 0) <= now) latest.set(`${change.id}:${change.port}`, change);
  const asked = Array.isArray(input["Targets"]) ? input["Targets"].map(({ Id }) => Id) : undefined;
  const registered = [...latest.values()].filter(({ id }) => asked?.includes(id) ?? true);
  const strangers = (asked ?? []).filter((id) => !registered.some((each) => each.id === id));
  const unused = strangers.map((id: string): TargetInput => ({ id, state: "unused" }));
  return { TargetHealthDescriptions: [...registered, ...unused].map(toDescription) };
}

function toDescription({ id, port, state }: TargetInput) {
  const Reason = REASONS[state];
  return {
    Target: { Id: id, ...(port === undefined ? {} : { Port: port }) },
    ...(port === undefined ? {} : { HealthCheckPort: String(port) }),
    TargetHealth: { State: state, ...(Reason && { Reason }) },
  };
}
