import { DEFAULT_VPC } from "../ec2/networks.ts";
import { queryFaults } from "../query-faults.ts";
import { type SimCall, textOf, textsOf } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import { drainMsOf, type TargetGroup, toMarkedPage } from "./target-group.ts";
import { listOwnGroups, notFound, openTargetGroup, type TargetGroups } from "./target-groups.ts";
import type { TargetNow, TargetRef, TargetState } from "./targets.ts";

/** "Register targets": a target has to pass one health check, and the default interval is 30 seconds. */
const FIRST_CHECK_MS = 30_000;

/** RegisterTargets: they are checked for health, and answer well. A target that drains is taken back. */
export function registerTargets(groups: TargetGroups, call: SimCall): unknown {
  const group = openTargetGroup(groups, textOf(call.input, "TargetGroupArn"), call);
  for (const target of targetsOf(call)) {
    group.targets.register({ port: group.port, ...target }, { healthyAt: call.now + FIRST_CHECK_MS });
  }
  return {};
}

/** DeregisterTargets: targets drain and are then removed. An unknown target fails the whole request. */
export function deregisterTargets(groups: TargetGroups, call: SimCall): unknown {
  const group = openTargetGroup(groups, textOf(call.input, "TargetGroupArn"), call);
  const targets = targetsOf(call);
  const strangers = targets.filter(({ id }) => group.targets.find(id, call.now) === undefined);
  if (strangers.length > 0) {
    const ids = strangers.map(({ id }) => `'${id}'`).join(", ");
    throw new SimFault("InvalidTargetException", 400, `The following targets are not registered: ${ids}`);
  }
  for (const target of targets) {
    group.targets.deregister(target, { now: call.now, drainMs: drainMsOf(group) });
  }
  return {};
}

function targetsOf({ input }: SimCall): readonly TargetRef[] {
  const targets = Array.isArray(input["Targets"]) ? input["Targets"] : [];
  return targets.map(({ Id, Port }) => ({ id: String(Id), ...(typeof Port === "number" ? { port: Port } : {}) }));
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

/** DescribeTargetHealth: of all targets, or of those that are named; a stranger is `unused`. */
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

function toDescription({ id, port, state }: TargetNow): object {
  const Reason = REASONS[state];
  return {
    Target: { Id: id, ...(port === undefined ? {} : { Port: port }) },
    ...(port === undefined ? {} : { HealthCheckPort: String(port) }),
    TargetHealth: { State: state, ...(Reason && { Reason }) },
  };
}

/** DescribeTargetGroups: by names or ARNs, or all; one that is missing fails the whole request. */
export function describeTargetGroups(groups: TargetGroups, call: SimCall): unknown {
  const names = textsOf(call.input, "Names");
  const arns = textsOf(call.input, "TargetGroupArns");
  if (names.length > 0 && arns.length > 0) {
    throw queryFaults.invalid("Target group names and target group ARNs cannot be specified at the same time");
  }
  const own = listOwnGroups(groups, call);
  const found = own.filter(({ name, arn }) => {
    if (names.length > 0) return names.includes(name);
    return arns.length === 0 || arns.includes(arn);
  });
  if (found.length < new Set([...names, ...arns]).size) throw notFound();
  const { page, ...next } = toMarkedPage(found, call);
  return { TargetGroups: page.map(toTargetGroup), ...next };
}

function toTargetGroup({ arn, name, port }: TargetGroup): object {
  return {
    TargetGroupArn: arn,
    TargetGroupName: name,
    Protocol: "HTTP",
    Port: port,
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
