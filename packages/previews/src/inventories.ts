import { listPages, type PageStart, type ServiceDeps, toStatePrefix } from "@stackyard/core";
import { requireRecords } from "@stackyard/core/services";
import { TerraformInventory, toInventoryPrefix } from "@stackyard/executor-terraform/definition";
import { Check } from "typebox/value";

const PAGE = 50;

interface Owner {
  readonly machine: string;
  readonly stackId: string;
}

/**
 * Yields what the Terraform states of a stack, or of the yard, contained after their last apply or destroy. Throws
 * `STORE_CORRUPT` for one that cannot be read: what it contains must not count as removed.
 */
export async function* listInventories(
  { records, clock }: Pick<ServiceDeps, "records" | "clock">,
  owner?: Owner,
): AsyncGenerator<TerraformInventory> {
  const load = (start: PageStart) =>
    records.list(toInventoryPrefix(owner && toStatePrefix(owner)), { limit: PAGE, now: clock.now(), ...start });
  for await (const page of listPages(load)) {
    const found = requireRecords(page, ({ value }) => (Check(TerraformInventory, value) ? value : undefined));
    yield* found.filter((each) => owner === undefined || isOf(each, owner));
  }
}

function isOf({ stack, machine }: TerraformInventory, owner: Owner): boolean {
  return stack === owner.stackId && machine === owner.machine;
}
