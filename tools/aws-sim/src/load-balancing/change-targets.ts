import { DEFAULT_VPC } from "../ec2/networks.ts";
import { queryFaults } from "../query-faults.ts";
import { type SimCall, textOf, textsOf } from "../sim-call.ts";
import { type TargetGroup, toMarkedPage } from "./target-group.ts";
import { listOwnGroups, notFound, openTargetGroup, type TargetGroups } from "./target-groups.ts";
import type { TargetNow, TargetState } from "./targets.ts";

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
