import { DescribeVpcEndpointsCommand } from "@aws-sdk/client-ec2";
import { chunk } from "../chunk.ts";
import { AwsCallError, callAws, type FleetAws } from "../ssm/call-aws.ts";
import { listPages } from "../ssm/list-pages.ts";

/** Names of services that have an endpoint, by VPC; undefined where they may not be looked at. */
export async function loadEndpoints(
  aws: FleetAws,
  vpcIds: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>> | undefined> {
  const byVpc = new Map<string, Set<string>>(vpcIds.map((vpcId) => [vpcId, new Set()]));
  try {
    for (const part of chunk(vpcIds)) {
      for await (const { VpcEndpoints = [] } of listPages((token) => loadPage(aws, part, token))) {
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

function loadPage(aws: FleetAws, vpcIds: readonly string[], token: { readonly NextToken?: string }) {
  const Filters = [
    { Name: "vpc-id", Values: [...vpcIds] },
    { Name: "vpc-endpoint-state", Values: ["available"] },
  ];
  return callAws(aws, {
    what: "The endpoints of VPCs could not be listed.",
    send: (abortSignal) => aws.ec2.send(new DescribeVpcEndpointsCommand({ Filters, ...token }), { abortSignal }),
  });
}
