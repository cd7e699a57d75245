import type { Store } from "@stackyard/core";
import type { Change, DueItem, TakeDueInput } from "@stackyard/core/engine";

/** The instant at which tests begin. */
export const T0 = Date.UTC(2026, 0, 1);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** Commits on the present version, and again after a conflict. */
export async function commitNow(store: Store, change: Change): Promise<number> {
  const [loaded] = await store.load([change.stackId]);
  const [result] = await store.commit([{ ...change, expectedVersion: loaded?.version ?? 0 }]);
  if (result?.kind === "committed") return result.version;
  throw new Error(`The commit gave ${JSON.stringify(result)}.`);
}

/** Takes all due items. */
export function take(store: Store, kinds: TakeDueInput["kinds"], now = T0): Promise<readonly DueItem[]> {
  return store.takeDue({ kinds, now, limit: 100, leaseMs: MINUTE });
}

/** Claims, which must be granted. */
export async function grantNow(store: Store, attemptId: string, exclusiveKeys: readonly string[] = [], now = T0) {
  const claim = await store.claim({ attemptId, owner: "w1", leaseMs: MINUTE, exclusiveKeys, now });
  if (claim.kind === "granted") return claim.grant;
  throw new Error(`The claim gave ${JSON.stringify(claim)}.`);
}
