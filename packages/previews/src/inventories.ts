import { listPages, type PageStart, type ServiceDeps, toStatePrefix } from "@stackyard/core";
import { corruptRecord } from "@stackyard/core/services";
import { TerraformInventory, toInventoryPrefix } from "@stackyard/executor-terraform/definition";
import { Check } from "typebox/value";

const PAGE = 50;

/**
 * Yields what the Terraform states of a stack, or of the yard, contained after their last apply or destroy. Throws
 * `STORE_CORRUPT` for one that cannot be read: what it contains must not count as removed.
 */
export async function* listInventories(
  { records, clock }: Pick<ServiceDeps, "records" | "clock">,
  owner?: { readonly machine: string; readonly stackId: string },
): AsyncGenerator<TerraformInventory> {
  const load = (start: PageStart) =>
    records.list(toInventoryPrefix(owner && toStatePrefix(owner)), { limit: PAGE, now: clock.now(), ...start });
  for await (const { items, unreadable: [damaged] = [] } of listPages(load)) {
    if (damaged !== undefined) throw corruptRecord(damaged.id);
    for (const { key, value } of items) {
      if (!Check(TerraformInventory, value)) throw corruptRecord(key);
      if (owner === undefined || (value.stack === owner.stackId && value.machine === owner.machine)) yield value;
    }
  }
}
