import { toInstant } from "../schemas/common.ts";
import type { TerraformState } from "../schemas/terraform-state.ts";
import type { StateHead, StateLock } from "../terraform/state-head.ts";

/** A Terraform state as the API shows it: nothing of its content, no token of a lease. */
export function toTerraformState(head: StateHead, lockBinds: boolean): TerraformState {
  const { key, current, versions, lock } = head;
  return {
    key,
    ...(current === undefined ? {} : { current }),
    versions: versions.map(({ blob: _, chunks: __, at, ...version }) => ({ ...version, at: toInstant(at) })),
    ...(lock === undefined ? {} : { lock: toLock(lock, lockBinds) }),
  };
}

function toLock({ id, at, holder, info }: StateLock, binds: boolean): NonNullable<TerraformState["lock"]> {
  const told: unknown = JSON.parse(info);
  const { Who: who, Operation: operation } = { ...(told as object) } as Readonly<Record<string, unknown>>;
  return {
    ...{ id, binds },
    at: toInstant(at),
    holder: holder.kind === "attempt" ? holder.attemptId : holder.name,
    ...(typeof who === "string" ? { who } : {}),
    ...(typeof operation === "string" ? { operation } : {}),
  };
}
