import { compareVersions } from "./compare-versions.ts";
import { type FleetFinding, findingOf } from "./finding.ts";
import { type InstanceFacts, isOnline } from "./fleet-facts.ts";

/** Agents from this version on need no endpoint `ec2messages` (Systems Manager user guide, "VPC endpoints"). */
const WITHOUT_EC2_MESSAGES = "3.3.40.0";

/** True for an agent that still talks to `ec2messages`. */
export function needsEc2Messages({ agent }: InstanceFacts): boolean {
  return agent?.agentVersion !== undefined && compareVersions(agent.agentVersion, WITHOUT_EC2_MESSAGES) < 0;
}

/** Whether every instance has an agent that answers, and of which version. */
export function checkAgents(instances: readonly InstanceFacts[]): readonly FleetFinding[] {
  const online = instances.filter(isOnline);
  const findings = [
    ...findingOf(
      instances.filter(({ agent }) => agent === undefined),
      {
        check: "agents",
        status: "fail",
        message: "The agent has never registered",
        hint: "Install amazon-ssm-agent, give the instance a profile with AmazonSSMManagedInstanceCore and a way to Systems Manager.",
      },
    ),
    ...findingOf(
      instances.filter((instance) => instance.agent !== undefined && !isOnline(instance)),
      {
        check: "agents",
        status: "fail",
        message: "The agent is not online",
        hint: "Look at the agent (`systemctl status amazon-ssm-agent`), the profile and the network of the instance.",
      },
    ),
    ...findingOf(online.filter(needsEc2Messages), {
      check: "agents",
      status: "warn",
      message: `The agent is older than ${WITHOUT_EC2_MESSAGES}`,
      hint: "Update it (document AWS-UpdateSSMAgent); until then a private subnet needs an endpoint for ec2messages too.",
    }),
  ] as const;
  return online.length === 0 ? findings : [toSummary(online), ...findings];
}

function toSummary(online: readonly InstanceFacts[]): FleetFinding {
  const versions = online.flatMap(({ agent }) => agent?.agentVersion ?? []).toSorted(compareVersions);
  const [first, last] = [versions[0], versions.at(-1)];
  const range = first === undefined ? "" : first === last ? `, version ${first}` : `, versions ${first} to ${last}`;
  return { check: "agents", status: "ok", message: `${online.length} online${range}.` };
}
