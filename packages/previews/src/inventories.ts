import { listPages, type PageStart, type ServiceDeps, toStatePrefix } from "@stackyard/core";
import { TerraformInventory, toInventoryPrefix } from "@stackyard/executor-terraform/definition";
import { Check } from "typebox/value";

const PAGE = 50;

/** Yields what the Terraform states of a stack, or of the yard, contained after their last apply or destroy. */
export async function* listInventories(
  { records, clock }: Pick<ServiceDeps, "records" | "clock">,
  owner?: { readonly machine: string; readonly stackId: string },
): AsyncGenerator<TerraformInventory> {
  const load = (start: PageStart) =>
    records.list(toInventoryPrefix(owner && toStatePrefix(owner)), { limit: PAGE, now: clock.now(), ...start });
  for await (const { items } of listPages(load)) {
    for (const { value } of items) {
      if (!Check(TerraformInventory, value)) continue;
      if (owner === undefined || (value.stack === owner.stackId && value.machine === owner.machine)) yield value;
    }
  }
}
