import { EC2Client, paginateDescribeSecurityGroups, type SecurityGroup } from "@aws-sdk/client-ec2";
import type { ReleaseDeps } from "../release-deps.ts";
import { escapeFilterValue } from "./escape-filter-value.ts";
import { type LookUp, lookUp } from "./look-up.ts";
import { toTagMap } from "./tag-map.ts";

/** A subnet or a security group as the rules look at it. */
export interface NetworkFacts {
  readonly id: string;
  /** The tag `Name`. */
  readonly name?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly vpc?: string;
}

/** All security groups whose tag `Name` is one of these. Ids are no names. */
export async function loadSecurityGroups(
  deps: ReleaseDeps,
  names: readonly string[],
): Promise<LookUp<readonly NetworkFacts[]>> {
  const what = `security groups ${names.map((each) => `"${each}"`).join(", ")}`;
  if (names.length === 0) return { kind: "found", value: [] };
  return lookUp(deps, { what }, async () => (await loadAll(deps, names)).map(toFacts));
}

async function loadAll({ target, signal }: ReleaseDeps, names: readonly string[]): Promise<readonly SecurityGroup[]> {
  const groups: SecurityGroup[] = [];
  const input = { Filters: [{ Name: "tag:Name", Values: names.map(escapeFilterValue) }] };
  const client = target.client(EC2Client);
  const pages = paginateDescribeSecurityGroups({ client }, input, { abortSignal: signal });
  for await (const { SecurityGroups = [] } of pages) groups.push(...SecurityGroups);
  return groups;
}

function toFacts({ GroupId = "", Tags, VpcId }: SecurityGroup): NetworkFacts {
  const tags = toTagMap(Tags);
  const name = tags["Name"];
  return { id: GroupId, tags, ...(name !== undefined && { name }), ...(VpcId !== undefined && { vpc: VpcId }) };
}
