import { DescribeInstanceInformationCommand, type InstanceInformation } from "@aws-sdk/client-ssm";
import { chunk } from "../chunk.ts";
import type { SsmAgent } from "../select-instances.ts";
import { callAws, type FleetAws } from "./call-aws.ts";
import { listPages } from "./list-pages.ts";

/** DescribeInstanceInformation gives 5 to 50 on a page, so that is how many are asked for. */
const IDS_PER_CALL = 50;

/** What SSM knows of the agents of instances; one that has not registered is missing. */
export async function loadAgents(aws: FleetAws, ids: readonly string[]): Promise<ReadonlyMap<string, SsmAgent>> {
  const agents = new Map<string, SsmAgent>();
  for (const part of chunk(ids, IDS_PER_CALL)) {
    for await (const page of listPages((token) => loadPage(aws, part, token))) {
      for (const node of page.InstanceInformationList ?? []) agents.set(node.InstanceId ?? "", toAgent(node));
    }
  }
  return agents;
}

function loadPage(aws: FleetAws, ids: readonly string[], token: { readonly NextToken?: string }) {
  const input = { Filters: [{ Key: "InstanceIds", Values: [...ids] }], MaxResults: IDS_PER_CALL, ...token };
  return callAws(aws, {
    what: "The agents of the instances could not be looked at.",
    send: (abortSignal) => aws.ssm.send(new DescribeInstanceInformationCommand(input), { abortSignal }),
  });
}

function toAgent({ PingStatus, AgentVersion, PlatformType }: InstanceInformation): SsmAgent {
  return {
    pingStatus: PingStatus ?? "",
    ...(AgentVersion === undefined ? {} : { agentVersion: AgentVersion }),
    ...(PlatformType === undefined ? {} : { platformType: PlatformType }),
  };
}
