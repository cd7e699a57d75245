import type { Grant } from "@stackyard/core/engine";
import { type AttemptRow, findAttemptRow } from "./attempt-row.ts";
import type { Transaction } from "./transaction.ts";

/** The attempt as long as it runs under this very grant; undefined when the grant is lost. */
export function findGranted({ database, store }: Transaction, grant: Grant): AttemptRow | undefined {
  const row = findAttemptRow(database, store.attemptNos, grant.attemptId);
  return row?.status === "running" && row.token === grant.token ? row : undefined;
}
