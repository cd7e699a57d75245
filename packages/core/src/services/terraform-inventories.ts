import { type Static, Type } from "typebox";
import { defineRecordKind, type RecordsDeps } from "../ports/record-kind.ts";
import { toReadableStateKey, toStatePrefix } from "../ports/state-prefix.ts";
import { listFilledStates } from "./terraform-states.ts";

const InventoryResource = Type.Object({ address: Type.String(), arn: Type.Optional(Type.String()) });

/** The content of a Terraform state after its last apply or destroy. */
export const TerraformInventory = Type.Object({
  stack: Type.String(),
  machine: Type.String(),
  incarnation: Type.String(),
  /** The task of the last run. */
  task: Type.Optional(Type.String()),
  /** The key of the state. */
  state: Type.String(),
  /** `terraform` or `opentofu`; empty when unknown, as the version. */
  product: Type.String(),
  version: Type.String(),
  /** Epoch milliseconds. */
  at: Type.Integer(),
  /** Where the state is, for people and for comparison. */
  place: Type.Optional(Type.String()),
  /** The account and the region of the run, where its task has a target. */
  target: Type.Optional(Type.String()),
  /** The role of the target. */
  role: Type.Optional(Type.String()),
  /** A digest of the default tags of the run. */
  tags: Type.Optional(Type.String()),
  /** The number of the run among those of its state: the inventory of an earlier run never replaces it. */
  sequence: Type.Optional(Type.Integer()),
  /** True if the resources are meant to outlive the stack. */
  keep: Type.Optional(Type.Boolean()),
  /** The number of all managed resources; `resources` has fewer where a record cannot contain them all. */
  count: Type.Integer(),
  resources: Type.Array(InventoryResource),
  /** Resources of the state that existed before: an import has brought them into it. */
  imported: Type.Optional(Type.Array(InventoryResource)),
  /** Resources that were removed from the state and not destroyed: they still exist. */
  forgotten: Type.Optional(Type.Array(InventoryResource)),
  /** Resources that left the state without having been deleted: a refresh has not found them. Since: epoch milliseconds. */
  vanished: Type.Optional(Type.Array(Type.Object({ ...InventoryResource.properties, since: Type.Integer() }))),
});
export type TerraformInventory = Static<typeof TerraformInventory>;

/** The inventories of Terraform states, by `toStateName`. An executor writes them; who decides about a removal reads them. */
export const terraformInventories = defineRecordKind({
  prefix: "terraform-inventory/",
  value: TerraformInventory,
  holds: "what Terraform states contained after their last run",
  kept: "until the next run of the state",
});

/** The parts of a stack in the keys of its states. */
export interface StateOwner {
  readonly machine: string;
  readonly stackId: string;
}

/**
 * Yields what the Terraform states of a stack, or of the yard, contained after their last apply or destroy. Throws
 * `STORE_CORRUPT` for one that cannot be read: what it contains must not count as removed.
 */
export async function* listInventories(deps: RecordsDeps, owner?: StateOwner): AsyncGenerator<TerraformInventory> {
  // Other states with long keys may have this beginning.
  const beginning = owner === undefined ? "" : toReadableStateKey(toStatePrefix(owner));
  for await (const each of terraformInventories.all(deps, beginning)) {
    if (owner === undefined || (each.stack === owner.stackId && each.machine === owner.machine)) yield each;
  }
}

/** Returns the number of resources that exist, or may, according to an inventory. */
export function countHeld({ count, forgotten = [], vanished = [] }: TerraformInventory): number {
  return count + forgotten.length + vanished.length;
}

/**
 * Returns the Terraform states of a stack that still contain something, each with the number of resources: by their
 * inventories, and states of the yard without one. Those that are meant to outlive the stack are none of them.
 */
export async function listHeldStates(deps: RecordsDeps, owner: StateOwner): Promise<readonly string[]> {
  const held: string[] = [];
  const recorded = new Set<string>();
  for await (const inventory of listInventories(deps, owner)) {
    recorded.add(inventory.state);
    const count = countHeld(inventory);
    if (count > 0 && inventory.keep !== true) held.push(formatHeld(inventory.state, count));
  }
  for await (const state of listFilledStates(deps, toStatePrefix(owner))) {
    if (!recorded.has(state)) held.push(state);
  }
  return held;
}

function formatHeld(state: string, count: number): string {
  return `${state} (${count} ${count === 1 ? "resource" : "resources"})`;
}
