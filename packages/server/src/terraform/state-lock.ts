import { isDeepStrictEqual } from "node:util";
import type { StateCaller } from "./state-caller.ts";
import type { StateHead, StateLock } from "./state-head.ts";

/** A lock as it stands, and whether it still binds. */
export interface StandingLock {
  readonly lock: StateLock;
  readonly binds: boolean;
}

/** What a request for a lock comes to. */
export type LockDecision =
  | { readonly kind: "locked"; readonly head: StateHead; readonly takenOverFrom?: StateLock }
  | { readonly kind: "held"; readonly lock: StateLock }
  | { readonly kind: "forbidden" };

/** A free lock, one whose holder has ended, and one's own under the same id are granted. */
export function decideLock(
  head: StateHead,
  standing: StandingLock | undefined,
  request: { readonly caller: StateCaller; readonly lock: StateLock },
): LockDecision {
  const { caller, lock } = request;
  if (!caller.live) return { kind: "forbidden" };
  const locked = { ...head, lock };
  if (standing === undefined) return { kind: "locked", head: locked };
  if (isHeldBy(standing.lock, caller)) {
    return standing.lock.id === lock.id ? { kind: "locked", head: locked } : { kind: "held", lock: standing.lock };
  }
  if (standing.binds) return { kind: "held", lock: standing.lock };
  return { kind: "locked", head: locked, takenOverFrom: standing.lock };
}

/** What a request to unlock comes to. */
export type UnlockDecision =
  /** `forced` is the lock that was another's, or that was broken without its id. */
  | { readonly kind: "unlocked"; readonly head: StateHead; readonly forced?: StateLock }
  | { readonly kind: "nothing" }
  | { readonly kind: "held"; readonly lock: StateLock };

/** Without an id it is Terraform's force-unlock. Attempts give back their own lock only; operators any. */
export function decideUnlock(
  head: StateHead,
  request: { readonly caller: StateCaller; readonly id: string | undefined; readonly at: number },
): UnlockDecision {
  const { lock, ...free } = head;
  const { caller, id, at } = request;
  if (lock === undefined) return { kind: "nothing" };
  const mayUnlock = caller.holder.kind === "operator" || isHeldBy(lock, caller);
  if (!mayUnlock || (id !== undefined && id !== lock.id)) return { kind: "held", lock };
  if (isHeldBy(lock, caller) && (id !== undefined || caller.holder.kind === "attempt")) {
    return { kind: "unlocked", head: free };
  }
  return { kind: "unlocked", head: breakLock(head, { by: caller.name, at }), forced: lock };
}

const MAX_FORCED_UNLOCKS = 20;

/** The head without its lock, and with a record of who broke it. */
export function breakLock(head: StateHead, { by, at }: { readonly by: string; readonly at: number }): StateHead {
  const { lock, forcedUnlocks = [], ...free } = head;
  if (lock === undefined) return head;
  const broken = { at, by, lockId: lock.id, lockedAt: lock.at, ...toHolderFacts(lock) };
  return { ...free, forcedUnlocks: [broken, ...forcedUnlocks].slice(0, MAX_FORCED_UNLOCKS) };
}

const MAX_FACT = 512;

/** Who holds a lock, for people: by our name for it, and as Terraform describes it. Never the token of a lease. */
export function toHolderFacts({ holder, info }: StateLock) {
  const described: unknown = JSON.parse(info);
  const { Who: who, Operation: operation } = { ...(described as object) } as Readonly<Record<string, unknown>>;
  return {
    holder: holder.kind === "attempt" ? holder.attemptId : holder.name,
    ...(typeof who === "string" ? { who: who.slice(0, MAX_FACT) } : {}),
    ...(typeof operation === "string" ? { operation: operation.slice(0, MAX_FACT) } : {}),
  };
}

/** What the server's log keeps of a lock that was broken. */
export function toForcedUnlockFields(key: string, by: string, lock: StateLock) {
  const { holder } = toHolderFacts(lock);
  return { key, by, lockId: lock.id, holder, lockedAt: new Date(lock.at).toISOString() };
}

/** Whether the caller may read or write; a standing lock of another, or under another id, keeps writers out. */
export function decideAccess(
  standing: StandingLock | undefined,
  request: { readonly caller: StateCaller; readonly write: boolean; readonly id: string | undefined },
): { readonly kind: "allowed" | "forbidden" } | { readonly kind: "held"; readonly lock: StateLock } {
  const { caller, write, id } = request;
  const own = standing !== undefined && isHeldBy(standing.lock, caller);
  // A lease that nobody else took may still be renewed: the lock that still stands, not the clock, tells who may write.
  if (!caller.live && !own) return { kind: "forbidden" };
  if (!write || standing === undefined) return { kind: "allowed" };
  if (own) return id === standing.lock.id ? { kind: "allowed" } : { kind: "held", lock: standing.lock };
  return standing.binds ? { kind: "held", lock: standing.lock } : { kind: "allowed" };
}

function isHeldBy({ holder }: StateLock, caller: StateCaller): boolean {
  return isDeepStrictEqual(holder, caller.holder);
}
