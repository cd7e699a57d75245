import { needsEc2Messages } from "./check-agents.ts";
import { type FleetFinding, findingOf } from "./finding.ts";
import { type FleetFacts, type InstanceFacts, isOnline } from "./fleet-facts.ts";

/** What every agent talks to; artifacts and the agent's own files come from S3. */
const NEEDED = ["ssm", "ssmmessages", "s3"];

/** Whether instances without a public address have the endpoints that they need, as far as that can be seen from outside. */
export function checkEndpoints({ instances, endpoints }: FleetFacts): readonly FleetFinding[] {
  const isPrivate = ({ hasPublicAddress, vpcId }: InstanceFacts) => !hasPublicAddress && vpcId !== undefined;
  const byVpc = Map.groupBy(instances.filter(isPrivate), ({ vpcId = "" }) => vpcId);
  if (byVpc.size === 0) return [];
  if (endpoints === undefined) {
    const message = "The endpoints of VPCs may not be looked at.";
    return [{ check: "endpoints", status: "warn", message, hint: "Allow ec2:DescribeVpcEndpoints to see them." }];
  }
  return [...byVpc].flatMap(([vpcId, members]) => checkVpc(vpcId, members, endpoints.get(vpcId) ?? new Set()));
}

function checkVpc(
  vpcId: string,
  members: readonly InstanceFacts[],
  present: ReadonlySet<string>,
): readonly FleetFinding[] {
  const needed = [...NEEDED, ...(members.some(needsEc2Messages) ? ["ec2messages"] : [])];
  const missing = needed.filter((service) => !present.has(service));
  if (missing.length === 0) {
    return [{ check: "endpoints", status: "ok", message: `${vpcId} has endpoints for ${needed.join(", ")}.` }];
  }
  const cutOff = members.filter((member) => !isOnline(member));
  if (cutOff.length === 0) {
    const message = `${vpcId} has no endpoint for ${missing.join(", ")}; its instances find another way.`;
    return [{ check: "endpoints", status: "ok", message }];
  }
  return findingOf(cutOff, {
    check: "endpoints",
    status: "warn",
    message: `${vpcId} has no endpoint for ${missing.join(", ")}, and agents without a public address are not online`,
    hint: "Make interface endpoints for ssm and ssmmessages (ec2messages for old agents) and a gateway endpoint for s3, or give the subnets a NAT gateway.",
  });
}
