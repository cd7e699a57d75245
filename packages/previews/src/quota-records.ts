import {
  isMap,
  listPages,
  type PageStart,
  type Records,
  type ServiceDeps,
  StackyardError,
  type StoredRecord,
} from "@stackyard/core";
import { createQuota, type QuotaRecord } from "./decide-quota.ts";

/** The storage of quotas. */
export type QuotaStore = Pick<ServiceDeps, "records" | "clock">;

const PREFIX = "quotas/";
/** Attempts that meet at one quota try again so often. */
const MAX_TRIES = 50;
const PAGE = 100;

/** Stores a decision about a quota; decides again if another process was first. Throws `RECORD_CONFLICT`. */
export async function updateQuota<Result>(
  { records, clock }: QuotaStore,
  key: string,
  decide: (record: QuotaRecord, now: number) => { readonly record: QuotaRecord; readonly result: Result },
): Promise<Result> {
  const recordKey = `${PREFIX}${encodeURIComponent(key)}`;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const now = clock.now();
    const found = await records.get(recordKey, now);
    const before = isQuota(found?.value) ? found.value : createQuota(key);
    const { record, result } = decide(before, now);
    if (record === before || (await store(records, { recordKey, found, record, now }))) return result;
  }
  throw new StackyardError("RECORD_CONFLICT", `Too many concurrent writes to the quota "${key}". Try again.`);
}

interface StoreInput {
  readonly recordKey: string;
  readonly found: StoredRecord | undefined;
  readonly record: QuotaRecord;
  readonly now: number;
}

/** Returns false if another process was first. A quota without holders needs no record. */
async function store(records: Records, { recordKey, found, record, now }: StoreInput): Promise<boolean> {
  if (found !== undefined && record.holders.length === 0 && record.waiting.length === 0) {
    return records.remove(recordKey, found.version);
  }
  const put = await records.put({ key: recordKey, value: record, expected: found?.version ?? "absent", now });
  return put.kind === "written";
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
