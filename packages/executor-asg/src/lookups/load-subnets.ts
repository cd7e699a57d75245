import { EC2Client, paginateDescribeSubnets, type Subnet } from "@aws-sdk/client-ec2";
import type { ReleaseDeps } from "../release-deps.ts";
import { isSubnetId } from "../resources/match-by-name.ts";
import { escapeFilterValue } from "./escape-filter-value.ts";
import type { NetworkFacts } from "./load-security-groups.ts";
import { type LookUp, lookUp } from "./look-up.ts";
import { toTagMap } from "./tag-map.ts";

/** EC2 API reference, "Error codes". */
const MISSING = ["InvalidSubnetID.NotFound", "InvalidSubnetID.Malformed", "InvalidSubnetId.Malformed"];

/** All subnets that a document's list can mean: by ids, and by the tag `Name`. Which one is meant by what is decided elsewhere. */
export async function loadSubnets(
  deps: ReleaseDeps,
  asked: readonly string[],
): Promise<LookUp<readonly NetworkFacts[]>> {
  const ids = [...new Set(asked.filter(isSubnetId))];
  const names = [...new Set(asked.filter((each) => !isSubnetId(each)))];
  const what = `subnets ${asked.map((each) => `"${each}"`).join(", ")}`;
  const message = `Subnets: not all of ${ids.join(", ")} are subnets of this account and region.`;
  const missing = { errors: MISSING, problem: { code: "release-subnet-missing", message } };
  return lookUp(deps, { what, missing }, async () => {
    const byId = ids.length === 0 ? [] : await loadAll(deps, { SubnetIds: ids });
    const filter = { Name: "tag:Name", Values: names.map(escapeFilterValue) };
    const byName = names.length === 0 ? [] : await loadAll(deps, { Filters: [filter] });
    // One that is asked for by its id and by its name is still one.
    return [...new Map([...byId, ...byName].map((each) => [each.SubnetId, toFacts(each)])).values()];
  });
}

async function loadAll(
  { target, signal }: ReleaseDeps,
  input: Parameters<typeof paginateDescribeSubnets>[1],
): Promise<readonly Subnet[]> {
  const subnets: Subnet[] = [];
  const pages = paginateDescribeSubnets({ client: target.client(EC2Client) }, input, { abortSignal: signal });
  for await (const { Subnets = [] } of pages) subnets.push(...Subnets);
  return subnets;
}

function toFacts({ SubnetId = "", Tags, VpcId }: Subnet): NetworkFacts {
  const tags = toTagMap(Tags);
  const name = tags["Name"];
  return { id: SubnetId, tags, ...(name !== undefined && { name }), ...(VpcId !== undefined && { vpc: VpcId }) };
}
