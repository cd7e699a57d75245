import type { Target } from "@stackyard/core";
import type { TerraformInventory } from "@stackyard/core/services";

type InventoryResource = TerraformInventory["resources"][number];

/** A resource that a refresh has not found, and that no run has deleted. */
export type VanishedResource = NonNullable<TerraformInventory["vanished"]>[number];

/** Where a run has looked. */
type Account = Pick<Target, "account" | "region">;

interface VanishedInput {
  readonly last: TerraformInventory | undefined;
  /** The content of the state now. */
  readonly resources: readonly InventoryResource[];
  readonly forgets: readonly string[];
  /** Addresses; undefined: it is not known what the run has deleted. */
  readonly deleted: ReadonlySet<string> | undefined;
  readonly target: Account | undefined;
  readonly now: number;
}

/**
 * Returns what was in the state and has left it without having been deleted or forgotten, now or earlier. A refresh with other
 * credentials, or in another region, finds nothing either: only one in the account and region of its ARN says that a resource
 * is gone. A resource without an ARN counts where one with an ARN has vanished.
 */
export function listVanished(input: VanishedInput): readonly VanishedResource[] {
  const { last, resources, now } = input;
  const arns = new Set(resources.flatMap(({ arn }) => arn ?? []));
  const addresses = new Set(resources.map(({ address }) => address));
  const isBack = ({ address, arn }: InventoryResource) => (arn === undefined ? addresses.has(address) : arns.has(arn));
  const earlier = (last?.vanished ?? []).filter((resource) => !isBack(resource));
  const missing = listMissing(input).filter((resource) => !isBack(resource));
  const counts = missing.some(({ arn }) => arn !== undefined);
  const found = counts ? missing.map((resource) => ({ ...resource, since: now })) : [];
  return [...new Map([...found, ...earlier].map((each) => [`${each.address} ${each.arn ?? ""}`, each])).values()];
}

/** Returns what the last inventory had and nothing has deleted, as far as this run could have read it and has not. */
function listMissing({ last, forgets, deleted, target }: VanishedInput): readonly InventoryResource[] {
  if (deleted === undefined) return [];
  const known = (last?.resources ?? []).filter(({ address }) => !deleted.has(address) && !forgets.includes(address));
  return known.filter(({ arn }) => arn === undefined || target === undefined || !isOf(arn, target));
}

/** Returns true for the ARN of a resource of this account and region. Those of global services have no region, and some no account. */
function isOf(arn: string, target: Account): boolean {
  const [, , , region, account] = arn.split(":");
  return ["", target.region].includes(region ?? "") && ["", target.account].includes(account ?? "");
}
