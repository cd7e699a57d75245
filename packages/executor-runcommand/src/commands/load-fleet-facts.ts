import { DescribeInstancesCommand, DescribeVpcEndpointsCommand, type Instance } from "@aws-sdk/client-ec2";
import { GetInstanceProfileCommand, IAMClient, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import { createAwsAccess } from "@stackyard/aws";
import { chunk, defined, mapLimited, type Target, toPartition } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import {
  AwsCallError,
  callFleet,
  type FleetAws,
  FleetEc2Client,
  FleetSsmClient,
  listTokenPages,
} from "../call-fleet.ts";
import { loadAgents, toTagFilters } from "../fleet-calls.ts";
import type { SelectOptions, SsmAgent } from "../select-instances.ts";
import type { FleetFacts, InstanceFacts, ProfileFacts } from "./check-fleet.ts";

/** The account and region to check. Missing values come from the SDK's default chain. */
export interface DoctorPlace {
  readonly account?: string;
  readonly region?: string;
  /** Taken in that account first. */
  readonly role?: string;
  readonly externalId?: string;
}

/** The AWS clients of a fleet check. */
export interface DoctorAws {
  readonly aws: FleetAws;
  readonly iam: Pick<IAMClient, "send">;
}

const PATIENCE_MS = 120_000;

/** Creates AWS clients with the caller's credentials. Makes no call. */
export function openDoctorAws(place: DoctorPlace, signal: AbortSignal): DoctorAws {
  const { region } = place;
  const clock = systemClock;
  const access = createAwsAccess({
    clock,
    retriesDenials: false,
    session: { name: "stackyard-doctor" },
    ...(region && { region }),
  });
  const target = toTarget(place);
  const deadlineAt = clock.now() + PATIENCE_MS;
  const [ssm, ec2] = [access.client(FleetSsmClient, target), access.client(FleetEc2Client, target)];
  return { aws: { ssm, ec2, clock, signal, deadlineAt, random: Math.random }, iam: access.client(IAMClient, target) };
}

/** Returns the account and region of a place as a target, in the partition of the region. Undefined: the SDK's default chain. */
export function toTarget({ account, region, role, externalId }: DoctorPlace): Target | undefined {
  if (account === undefined || region === undefined) return undefined;
  return defined({
    account,
    region,
    partition: toPartition(region),
    role: role || undefined,
    externalId: externalId || undefined,
  });
}

/** Which instances to check, and the object that they must be able to read. */
interface FleetQuestion {
  readonly select: Pick<SelectOptions, "tagKey" | "tagValues">;
  readonly artifactArn: string | undefined;
}

/** Loads the facts about the running instances of a fleet. Read-only. Throws `AwsCallError`. */
export async function loadFleetFacts(doctor: DoctorAws, { select, artifactArn }: FleetQuestion): Promise<FleetFacts> {
  const { aws } = doctor;
  const found = await loadInstances(aws, select);
  const ids = found.map(({ InstanceId = "" }) => InstanceId);
  const agents = await loadAgents(aws, ids);
  const instances = found.map((instance) => toFacts(instance, agents));
  const vpcIds = instances.filter(({ hasPublicAddress }) => !hasPublicAddress).flatMap(({ vpcId }) => vpcId ?? []);
  const arns = [...new Set(instances.flatMap(({ profileArn }) => profileArn ?? []))];
  return {
    instances,
    endpoints: await loadEndpoints(aws, [...new Set(vpcIds)]),
    profiles: new Map(
      await mapLimited(arns, AT_ONCE, async (arn) => [arn, await loadProfile(doctor, arn, artifactArn)] as const),
    ),
  };
}

async function loadInstances(aws: FleetAws, select: FleetQuestion["select"]): Promise<readonly Instance[]> {
  const found: Instance[] = [];
  const asked = { Filters: toTagFilters(select), MaxResults: 1_000 };
  const pages = listTokenPages(aws, "The instances could not be listed.", (token, options) =>
    aws.ec2.send(new DescribeInstancesCommand({ ...asked, ...token }), options),
  );
  for await (const { Reservations = [] } of pages)
    found.push(...Reservations.flatMap(({ Instances = [] }) => Instances));
  return found;
}

function toFacts(instance: Instance, agents: ReadonlyMap<string, SsmAgent>): InstanceFacts {
  const { InstanceId = "", VpcId, PublicIpAddress, IamInstanceProfile, MetadataOptions = {} } = instance;
  const agent = agents.get(InstanceId);
  return {
    instanceId: InstanceId,
    ...defined({ vpcId: VpcId }),
    hasPublicAddress: PublicIpAddress !== undefined,
    ...defined({ profileArn: IamInstanceProfile?.Arn, agent }),
    metadata: {
      isEnabled: MetadataOptions.HttpEndpoint !== "disabled",
      requiresToken: MetadataOptions.HttpTokens === "required",
      showsTags: MetadataOptions.InstanceMetadataTags === "enabled",
    },
  };
}

/** Below the 200 values that EC2 allows in a filter (API reference, "DescribeVpcEndpoints", "Filter"). */
const MAX_FILTER_VALUES = 50;

/** Loads the names of services with an endpoint, by VPC. Undefined without the permission. */
async function loadEndpoints(
  aws: FleetAws,
  vpcIds: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>> | undefined> {
  const byVpc = new Map<string, Set<string>>(vpcIds.map((vpcId) => [vpcId, new Set()]));
  try {
    for (const part of chunk(vpcIds, MAX_FILTER_VALUES)) {
      for await (const { VpcEndpoints = [] } of listEndpoints(aws, part)) {
        // Such as com.amazonaws.eu-west-1.ssm.
        for (const { VpcId = "", ServiceName = "" } of VpcEndpoints) {
          byVpc.get(VpcId)?.add(ServiceName.split(".").at(-1) ?? "");
        }
      }
    }
    return byVpc;
  } catch (error) {
    if (error instanceof AwsCallError && error.code === "ACCESS_DENIED") return undefined;
    throw error;
  }
}

function listEndpoints(aws: FleetAws, vpcIds: readonly string[]) {
  const Filters = [
    { Name: "vpc-id", Values: [...vpcIds] },
    { Name: "vpc-endpoint-state", Values: ["available"] },
  ];
  return listTokenPages(aws, "The endpoints of VPCs could not be listed.", (token, options) =>
    aws.ec2.send(new DescribeVpcEndpointsCommand({ Filters, ...token }), options),
  );
}

/** The agent's actions, from the policy AmazonSSMManagedInstanceCore. */
const AGENT_ACTIONS = [
  ...["ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"],
  ...["ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"],
];
const AT_ONCE = 4;

/** Loads the denied actions of a profile's role, by IAM's policy simulation. */
async function loadProfile(doctor: DoctorAws, arn: string, artifactArn: string | undefined): Promise<ProfileFacts> {
  try {
    const roleArn = await findRole(doctor, arn);
    if (roleArn === undefined) return { kind: "unknown", why: "It has no role." };
    const denied = await loadDenied(doctor, { roleArn, actions: AGENT_ACTIONS });
    if (artifactArn === undefined) return { kind: "known", denied };
    const reading = await loadDenied(doctor, { roleArn, actions: ["s3:GetObject"], resource: artifactArn });
    return { kind: "known", denied: [...denied, ...reading] };
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    return { kind: "unknown", why: error.message };
  }
}

async function findRole({ aws, iam }: DoctorAws, arn: string): Promise<string | undefined> {
  const name = arn.split("/").at(-1) ?? "";
  const { InstanceProfile } = await callFleet(aws, {
    what: `The instance profile ${name} could not be read.`,
    send: (abortSignal) => iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name }), { abortSignal }),
  });
  return InstanceProfile?.Roles?.[0]?.Arn;
}

interface Simulation {
  readonly roleArn: string;
  readonly actions: readonly string[];
  /** Default: all. */
  readonly resource?: string;
}

async function loadDenied(
  { aws, iam }: DoctorAws,
  { roleArn, actions, resource }: Simulation,
): Promise<readonly string[]> {
  const input = defined({
    PolicySourceArn: roleArn,
    ActionNames: [...actions],
    ResourceArns: resource === undefined ? undefined : [resource],
  });
  const { EvaluationResults = [] } = await callFleet(aws, {
    what: `What ${roleArn} may do could not be simulated.`,
    send: (abortSignal) => iam.send(new SimulatePrincipalPolicyCommand(input), { abortSignal }),
  });
  return EvaluationResults.flatMap(({ EvalActionName = "", EvalDecision }) =>
    EvalDecision === "allowed" ? [] : [EvalActionName],
  );
}
