import { toInstant } from "../schemas/common.ts";
import type { TerraformState } from "../schemas/terraform-state.ts";
import type { ForcedUnlock, StateHead } from "../terraform/state-head.ts";
import { toHolderFacts } from "../terraform/state-lock.ts";

/** A Terraform state as the API shows it: nothing of its content, no token of a lease. */
export function toTerraformState(head: StateHead, lockBinds: boolean): TerraformState {
  const { key, current, versions, lock, forcedUnlocks } = head;
  return {
    key,
    ...(current === undefined ? {} : { current }),
    versions: versions.map(({ blob: _, chunks: __, at, ...version }) => ({ ...version, at: toInstant(at) })),
    ...(forcedUnlocks === undefined ? {} : { forcedUnlocks: forcedUnlocks.map(toForcedUnlock) }),
    ...(lock === undefined
      ? {}
      : { lock: { id: lock.id, at: toInstant(lock.at), binds: lockBinds, ...toHolderFacts(lock) } }),
  };
}

function toForcedUnlock(broken: ForcedUnlock): NonNullable<TerraformState["forcedUnlocks"]>[number] {
  return { ...broken, at: toInstant(broken.at), lockedAt: toInstant(broken.lockedAt) };
}
