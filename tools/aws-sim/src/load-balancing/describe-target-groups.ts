import { DEFAULT_VPC } from "../ec2/resources.ts";
import { queryFaults, type SimCall, textsOf } from "../sim-call.ts";
import { type TargetGroup, toMarkedPage } from "./target-group.ts";
import { listOwnGroups, notFound, type TargetGroups } from "./target-groups.ts";

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
