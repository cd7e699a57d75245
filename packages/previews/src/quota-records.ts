import { listPages, type PageStart, type ServiceDeps } from "@stackyard/core";
import { defineRecordKind } from "@stackyard/core/services";
import { Type } from "typebox";
import { createQuota, type QuotaRecord } from "./decide-quota.ts";

/** The storage of quotas. */
export type QuotaStore = Pick<ServiceDeps, "records" | "clock">;

const PAGE = 100;

/** The quotas of a yard, by encoded key. Nothing else is written there, so a brief check is enough. */
export const quotas = defineRecordKind({
  prefix: "quotas/",
  value: Type.Unsafe<QuotaRecord>(
    Type.Object({ holders: Type.Array(Type.Unknown()), waiting: Type.Array(Type.Unknown()) }),
  ),
  holds: "who holds a quota, and who waits for it",
  kept: "until it is free and no stack waits",
  damaged: "missing",
  // Attempts that meet at one quota try again so often.
  tries: 50,
  conflict: (name) => `Too many concurrent writes to the quota "${decodeURIComponent(name)}". Try again.`,
});

/** Stores a decision about a quota; decides again if another process was first. Throws `RECORD_CONFLICT`. */
export async function updateQuota<Result>(
  { records, clock }: QuotaStore,
  key: string,
  decide: (record: QuotaRecord, now: number) => { readonly record: QuotaRecord; readonly result: Result },
): Promise<Result> {
  const { result } = await quotas.change({ records, clock }, encodeURIComponent(key), (found, now) => {
    const before = found?.value ?? createQuota(key);
    const { record, result } = decide(before, now);
    if (record === before) return { result };
    // A quota without holders needs no record.
    const isEmpty = record.holders.length === 0 && record.waiting.length === 0;
    return { write: isEmpty ? ("remove" as const) : { value: record }, result };
  });
  return result;
}

/** Yields all quotas of the yard, by key. */
export async function* listQuotas(store: QuotaStore): AsyncGenerator<QuotaRecord> {
  for await (const { items } of listPages((start: PageStart) => quotas.list(store, { limit: PAGE, ...start })))
    yield* items;
}
