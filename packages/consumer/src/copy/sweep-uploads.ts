import type { Clock } from "@stackyard/core";
import type { CopyMemory } from "./create-copy-memory.ts";
import type { TargetBucket } from "./target-bucket.ts";

/** What a sweep works with. */
export interface SweepDeps {
  readonly memory: CopyMemory;
  readonly target: Pick<TargetBucket, "abort">;
  readonly clock: Pick<Clock, "now">;
}

const IDLE_MS = 24 * 60 * 60_000;

/**
 * Ends the uploads of copies that nobody has gone on with for a day, and forgets them. Only uploads that copies have begun: a
 * bucket that was adopted has others. Gives their number.
 */
export async function sweepUploads({ memory, target, clock }: SweepDeps): Promise<number> {
  let count = 0;
  for await (const record of memory.listIdle(clock.now() - IDLE_MS)) {
    const { key = "", upload } = record.progress ?? {};
    if (upload !== undefined && !(await target.abort({ key, id: upload.id }))) continue;
    count += upload === undefined ? 0 : 1;
    await record.forget();
  }
  return count;
}
