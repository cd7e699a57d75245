import { formatNames } from "@stackyard/core";
import type { Finding } from "@stackyard/sdk/commands";
import type { SsmAgent } from "../select-instances.ts";

/** Returns all findings about a fleet, in the order in which to fix them. Pure. */
export function checkFleet(facts: FleetFacts, options: { readonly needsTags: boolean }): readonly FleetFinding[] {
  const { instances } = facts;
  if (instances.length === 0) {
    const hint = "Look at the tag's key and values, at the states of the instances, and at account and region.";
    return [{ check: "instances", status: "fail", message: "No instance that runs has the tag.", hint }];
  }
  return [
    { check: "instances", status: "ok", message: `${instances.length} run and have the tag.` },
    ...checkAgents(instances),
    ...checkProfiles(facts),
    ...checkEndpoints(facts),
    ...checkMetadata(instances, options),
  ];
}

/** Agents from this version on need no endpoint `ec2messages` (Systems Manager user guide, "VPC endpoints"). */
const WITHOUT_EC2_MESSAGES = "3.3.40.0";

/** Returns true for an agent that still uses `ec2messages`. */
export function needsEc2Messages({ agent }: InstanceFacts): boolean {
  return agent?.agentVersion !== undefined && compareVersions(agent.agentVersion, WITHOUT_EC2_MESSAGES) < 0;
}

/** Checks that every instance has an agent that answers, and its version. */
export function checkAgents(instances: readonly InstanceFacts[]): readonly FleetFinding[] {
  const online = instances.filter(isOnline);
  const unregistered = instances.filter(({ agent }) => agent === undefined);
  const silent = instances.filter((instance) => instance.agent !== undefined && !isOnline(instance));
  const findings = [
    ...findingOf(unregistered, {
      check: "agents",
      status: "fail",
      message: "The agent has never registered",
      hint: "Install amazon-ssm-agent, and give the instance a profile with AmazonSSMManagedInstanceCore and network access to Systems Manager.",
    }),
    ...findingOf(silent, {
      check: "agents",
      status: "fail",
      message: "The agent is not online",
      hint: "Look at the agent (`systemctl status amazon-ssm-agent`), the profile and the network of the instance.",
    }),
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

/** Services of every agent; artifacts and the agent's own files come from S3. */
const NEEDED = ["ssm", "ssmmessages", "s3"];

/** Checks that instances without a public address have the required endpoints, as far as visible from outside. */
export function checkEndpoints({ instances, endpoints }: FleetFacts): readonly FleetFinding[] {
  const isPrivate = ({ hasPublicAddress, vpcId }: InstanceFacts) => !hasPublicAddress && vpcId !== undefined;
  const byVpc = Map.groupBy(instances.filter(isPrivate), ({ vpcId = "" }) => vpcId);
  if (byVpc.size === 0) return [];
  if (endpoints === undefined) {
    const message = "Not allowed to list VPC endpoints.";
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

/** Checks that the instance metadata service is enabled, requires a token, and shows tags where they are needed. */
export function checkMetadata(
  instances: readonly InstanceFacts[],
  { needsTags }: { readonly needsTags: boolean },
): readonly FleetFinding[] {
  const disabled = instances.filter(({ metadata }) => !metadata.isEnabled);
  const enabled = instances.filter(({ metadata }) => metadata.isEnabled);
  const open = enabled.filter(({ metadata }) => !metadata.requiresToken);
  const findings = [
    ...findingOf(disabled, {
      check: "metadata",
      status: "fail",
      message: "The instance metadata service is off",
      hint: "Switch it on (HttpEndpoint=enabled, HttpTokens=required): region and credentials come from it.",
    }),
    ...findingOf(open, {
      check: "metadata",
      status: "warn",
      message: "The instance metadata service answers without a token (IMDSv1)",
      hint: "Set HttpTokens=required; Stackyard always uses tokens.",
    }),
    ...findingOf(needsTags ? enabled.filter(({ metadata }) => !metadata.showsTags) : [], {
      check: "metadata",
      status: "fail",
      message: "Tags are not in the instance metadata",
      hint: "Set InstanceMetadataTags=enabled: associations and runs over targets have instances read their own roles.",
    }),
  ] as const;
  if (findings.length > 0 || instances.length === 0) return findings;
  return [{ check: "metadata", status: "ok", message: "The instance metadata service requires tokens (IMDSv2)." }];
}

const HINT =
  "Attach the policy AmazonSSMManagedInstanceCore to the role of the profile, and allow s3:GetObject on the artifacts.";

/** Checks that instances have a profile with the permissions of agent and document. */
export function checkProfiles({ instances, profiles }: FleetFacts): readonly FleetFinding[] {
  const byProfile = Map.groupBy(instances, ({ profileArn }) => profileArn);
  return [...byProfile].flatMap(([arn, members]) => {
    if (arn === undefined) return checkWithout(members);
    return checkProfile(arn, members, profiles.get(arn) ?? { kind: "unknown", why: "It was not checked." });
  });
}

/** Checks instances without a profile: default host management gives agents a role, but no access to artifacts. */
function checkWithout(members: readonly InstanceFacts[]): readonly FleetFinding[] {
  const status = members.every(isOnline) ? "warn" : "fail";
  return findingOf(members, { check: "profiles", status, message: "No instance profile", hint: HINT });
}

function checkProfile(arn: string, members: readonly InstanceFacts[], facts: ProfileFacts): readonly FleetFinding[] {
  if (facts.kind === "unknown") {
    const hint = "Allow iam:GetInstanceProfile and iam:SimulatePrincipalPolicy, or check the role's policies yourself.";
    return [{ check: "profiles", status: "warn", message: `${arn} could not be judged. ${facts.why}`, hint }];
  }
  if (facts.denied.length === 0) return [{ check: "profiles", status: "ok", message: `${arn} may do what is needed.` }];
  // Agents that are online have permissions that IAM's simulation does not see.
  const isHarmless = members.every(isOnline) && facts.denied.every((action) => action.startsWith("ssm"));
  const message = `${arn} may not ${facts.denied.join(", ")}`;
  return findingOf(members, { check: "profiles", status: isHarmless ? "warn" : "fail", message, hint: HINT });
}

/** Compares versions such as `3.3.40.0`: below 0 when the first is older; missing parts count as 0. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [toParts(a), toParts(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function toParts(version: string): readonly number[] {
  return version.split(".").map((part) => Number.parseInt(part, 10) || 0);
}

/** A finding about a fleet. */
export interface FleetFinding extends Finding {
  readonly check: "instances" | "agents" | "profiles" | "endpoints" | "metadata";
  readonly instanceIds?: readonly string[];
}

/** Ids that a message names; the finding has them all. */
const MAX_NAMED = 5;

/** Returns a finding about these instances, or none for an empty list. */
function findingOf(
  instances: readonly InstanceFacts[],
  { message, ...finding }: Omit<FleetFinding, "instanceIds">,
): readonly FleetFinding[] {
  if (instances.length === 0) return [];
  const instanceIds = instances.map(({ instanceId }) => instanceId);
  return [{ ...finding, message: `${message}: ${formatNames(instanceIds, MAX_NAMED)}.`, instanceIds }];
}

/** The facts about an instance of a future run. */
export interface InstanceFacts {
  readonly instanceId: string;
  readonly vpcId?: string;
  /** False if it needs endpoints, or a route through a NAT gateway. */
  readonly hasPublicAddress: boolean;
  /** ARN of its instance profile. */
  readonly profileArn?: string;
  /** The agent; undefined if never registered. */
  readonly agent?: SsmAgent;
  readonly metadata: {
    readonly isEnabled: boolean;
    readonly requiresToken: boolean;
    readonly showsTags: boolean;
  };
}

/** The actions that a profile's role is denied, or why they are unknown. */
export type ProfileFacts =
  | { readonly kind: "known"; readonly denied: readonly string[] }
  | { readonly kind: "unknown"; readonly why: string };

/** The facts that `fleet doctor` judges. */
export interface FleetFacts {
  readonly instances: readonly InstanceFacts[];
  /** Names of services with an endpoint, such as `ssm`, by VPC. Undefined if listing them is denied. */
  readonly endpoints: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  /** By ARN. */
  readonly profiles: ReadonlyMap<string, ProfileFacts>;
}

/** Returns true for an instance that accepts commands now. */
function isOnline({ agent }: InstanceFacts): boolean {
  return agent?.pingStatus === "Online";
}
