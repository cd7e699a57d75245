import type { Clock, Records } from "@stackyard/core";

/** Another worker has written the record meanwhile: load everything again. */
export class RunConflictError extends Error {
  constructor(key: string) {
    super(`The record "${key}" was written by another worker.`);
    this.name = "RunConflictError";
  }
}

/** Records that one worker reads and writes, which notices when another one does. */
export interface VersionedRecords {
  get(key: string): Promise<unknown>;
  /** Over what was read last, or over whatever stands there now. Throws `RunConflictError`. */
  put(key: string, value: unknown): Promise<void>;
}

const DAY_MS = 86_400_000;
/** A failed run can be tried again for so long. */
const RETRY_MS = 30 * DAY_MS;
/** A run that is tried again on the last day must find its pages until it ends. */
const KEEP_MS = RETRY_MS + 10 * DAY_MS;

/** Records that remember the versions that were read. */
export function createVersionedRecords(records: Records, clock: Clock): VersionedRecords {
  const versions = new Map<string, number | "absent">();

  async function get(key: string): Promise<unknown> {
    const record = await records.get(key, clock.now());
    versions.set(key, record?.version ?? "absent");
    return record?.value;
  }

  return {
    get,
    async put(key, value) {
      if (!versions.has(key)) await get(key);
      const now = clock.now();
      const expected = versions.get(key) ?? "absent";
      const result = await records.put({ key, value, expected, now, expiresAt: now + KEEP_MS });
      if (result.kind === "conflict") throw new RunConflictError(key);
      versions.set(key, result.record.version);
    },
  };
}
