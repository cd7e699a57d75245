import { StackyardError } from "../errors/stackyard-error.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";

/** Dependencies of a probe. */
export interface StoreProbeDeps {
  readonly store: Pick<Store, "records">;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Checks that a store takes writes. */
export interface StoreProbe {
  /**
   * Rejects with the store's error, or with `STORE_UNAVAILABLE` if the store does not respond within 5 s. Calls within
   * a second share one write, and no second write starts during a write.
   */
  check(): Promise<void>;
}

const CACHE_MS = 1_000;
const ANSWER_MS = 5_000;
const KEPT_MS = 60_000;
/** A full disk may still have room for a few bytes in a page that is there. */
const FILLING = "x".repeat(16_384);

/**
 * Creates a probe that writes a record, since a store may serve reads with a full disk or a read-only server. The
 * record expires, and each probe has its own.
 */
export function createStoreProbe({ store: { records }, clock, ids }: StoreProbeDeps): StoreProbe {
  const key = `health/${ids.next()}`;
  let expected: number | "absent" = "absent";
  let last: { readonly result: Promise<void>; endedAt: number | undefined } | undefined;

  async function write(): Promise<void> {
    const now = clock.now();
    const input = { key, value: { at: now, filling: FILLING }, expiresAt: now + KEPT_MS, now };
    let put = await records.put({ ...input, expected });
    // The record may have expired, or the response to an earlier write was lost.
    if (put.kind === "conflict") put = await records.put({ ...input, expected: put.current?.version ?? "absent" });
    expected = put.kind === "written" ? put.record.version : "absent";
  }

  async function writeInTime(): Promise<void> {
    const answered = new AbortController();
    const late = clock.sleep(ANSWER_MS, answered.signal).then(() => {
      if (answered.signal.aborted) return;
      throw new StackyardError("STORE_UNAVAILABLE", "The store did not accept a write within 5 s.");
    });
    const written = write().finally(() => {
      if (last !== undefined) last.endedAt = clock.now();
    });
    await Promise.race([written, late]).finally(() => answered.abort());
  }

  return {
    check() {
      const { endedAt = clock.now() } = last ?? { endedAt: Number.NEGATIVE_INFINITY };
      if (last === undefined || clock.now() - endedAt >= CACHE_MS) last = { endedAt: undefined, result: writeInTime() };
      return last.result;
    },
  };
}
