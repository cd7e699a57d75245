import { DescribeInstancesCommand, type Instance } from "@aws-sdk/client-ec2";
import type { IAMClient } from "@aws-sdk/client-iam";
import type { SelectOptions, SsmAgent } from "../select-instances.ts";
import { callAws, type FleetAws } from "../ssm/call-aws.ts";
import { toTagFilters } from "../ssm/describe-fleet.ts";
import { listPages } from "../ssm/list-pages.ts";
import { loadAgents } from "../ssm/load-agents.ts";
import type { FleetFacts, InstanceFacts } from "./fleet-facts.ts";
import { loadEndpoints } from "./load-endpoints.ts";
import { loadProfiles } from "./load-profiles.ts";

/** Which instances are looked at, and what they shall read. */
export interface FleetQuestion {
  readonly select: Pick<SelectOptions, "tagKey" | "tagValues">;
  readonly artifactArn: string | undefined;
}

/** Looks at the running instances of a fleet and at what they need. Changes nothing. Throws `AwsCallError`. */
export async function loadFleetFacts(
  aws: FleetAws,
  iam: Pick<IAMClient, "send">,
  { select, artifactArn }: FleetQuestion,
): Promise<FleetFacts> {
  const found = await loadInstances(aws, select);
  const ids = found.map(({ InstanceId = "" }) => InstanceId);
  const agents = await loadAgents(aws, ids);
  const instances = found.map((instance) => toFacts(instance, agents));
  const vpcIds = instances.filter(({ hasPublicAddress }) => !hasPublicAddress).flatMap(({ vpcId }) => vpcId ?? []);
  const arns = [...new Set(instances.flatMap(({ profileArn }) => profileArn ?? []))];
  return {
    instances,
    endpoints: await loadEndpoints(aws, [...new Set(vpcIds)]),
    profiles: await loadProfiles(aws, iam, { arns, artifactArn }),
  };
}

async function loadInstances(aws: FleetAws, select: FleetQuestion["select"]): Promise<readonly Instance[]> {
  const found: Instance[] = [];
  const pages = listPages((token) => {
    const input = { Filters: toTagFilters(select), MaxResults: 1_000, ...token };
    return callAws(aws, {
      what: "The instances could not be listed.",
      send: (abortSignal) => aws.ec2.send(new DescribeInstancesCommand(input), { abortSignal }),
    });
  });
  for await (const { Reservations = [] } of pages)
    found.push(...Reservations.flatMap(({ Instances = [] }) => Instances));
  return found;
}

function toFacts(instance: Instance, agents: ReadonlyMap<string, SsmAgent>): InstanceFacts {
  const { InstanceId = "", VpcId, PublicIpAddress, IamInstanceProfile, MetadataOptions = {} } = instance;
  const agent = agents.get(InstanceId);
  return {
    instanceId: InstanceId,
    ...(VpcId === undefined ? {} : { vpcId: VpcId }),
    hasPublicAddress: PublicIpAddress !== undefined,
    ...(IamInstanceProfile?.Arn === undefined ? {} : { profileArn: IamInstanceProfile.Arn }),
    ...(agent === undefined ? {} : { agent }),
    metadata: {
      isEnabled: MetadataOptions.HttpEndpoint !== "disabled",
      requiresToken: MetadataOptions.HttpTokens === "required",
      showsTags: MetadataOptions.InstanceMetadataTags === "enabled",
    },
  };
}
