import { changeRecord, isMap, listPages, type PageStart, type ServiceDeps } from "@stackyard/core";
import { createQuota, type QuotaRecord } from "./decide-quota.ts";

/** The storage of quotas. */
export type QuotaStore = Pick<ServiceDeps, "records" | "clock">;

const PREFIX = "quotas/";
/** Attempts that meet at one quota try again so often. */
const MAX_TRIES = 50;
const PAGE = 100;

/** Stores a decision about a quota; decides again if another process was first. Throws `RECORD_CONFLICT`. */
export async function updateQuota<Result>(
  store: QuotaStore,
  key: string,
  decide: (record: QuotaRecord, now: number) => { readonly record: QuotaRecord; readonly result: Result },
): Promise<Result> {
  const { result } = await changeRecord({
    ...store,
    key: `${PREFIX}${encodeURIComponent(key)}`,
    tries: MAX_TRIES,
    conflict: `Too many concurrent writes to the quota "${key}". Try again.`,
    decide(found, now) {
      const before = isQuota(found?.value) ? found.value : createQuota(key);
      const { record, result } = decide(before, now);
      if (record === before) return { result };
      // A quota without holders needs no record.
      const isEmpty = record.holders.length === 0 && record.waiting.length === 0;
      return { write: isEmpty ? ("remove" as const) : { value: record }, result };
    },
  });
  return result;
}

/** Yields all quotas of the yard, by key. */
export async function* listQuotas({ records, clock }: QuotaStore): AsyncGenerator<QuotaRecord> {
  const load = (start: PageStart) => records.list(PREFIX, { limit: PAGE, now: clock.now(), ...start });
  for await (const { items } of listPages(load)) {
    yield* items.map(({ value }) => value).filter(isQuota);
  }
}

/** Returns true for a quota. These keys have no other values, so a brief check is enough. */
function isQuota(value: unknown): value is QuotaRecord {
  return isMap(value) && Array.isArray(value["holders"]) && Array.isArray(value["waiting"]);
}
