import type { Grant } from "@stackyard/core/engine";
import { findGranted } from "./find-granted.ts";
import type { RenewResult } from "./port-types.ts";
import type { Transaction } from "./transaction.ts";

/** Prolongs the lease of the newest grant, also one that is over. */
export function renew(
  transaction: Transaction,
  grant: Grant,
  input: { readonly leaseMs: number; readonly now: number; readonly message?: string },
): RenewResult {
  const row = findGranted(transaction, grant);
  if (row === undefined) return { kind: "lost" };
  transaction.database.run(
    "update attempt set lease_until = ?, progress_message = coalesce(?, progress_message) where attempt_no = ?",
    input.now + input.leaseMs,
    input.message ?? null,
    row.attempt_no,
  );
  return { kind: "renewed", ...(row.cancelling === null ? {} : { cancelling: row.cancelling }) };
}
