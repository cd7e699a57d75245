import {
  claimAttempt,
  findKeyPlace,
  findLiveOwner,
  isOpen,
  readAttemptSecrets,
  toClaimWindowMs,
  toGranted,
} from "@stackyard/core/attempt";
import type { ClaimInput, ClaimResult } from "@stackyard/core/engine";
import { toClaimed } from "./attempt-moves.ts";
import { ATTEMPTS, type AttemptRow } from "./attempt-row.ts";
import { type KeyRow, settleKey, takeKey } from "./exclusive-key.ts";
import { loadAggregate } from "./load-aggregate.ts";
import { loadRow, mutateRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";

/**
 * Claims an attempt. Without keys it is one conditional write. With keys the attempt notes them first, then takes one
 * after the other; a crash in between leaves keys with an attempt that is open, whose message comes again.
 */
export async function claim(context: StoreContext, input: ClaimInput): Promise<ClaimResult> {
  const keys = [...new Set(input.exclusiveKeys)].sort();
  for (;;) {
    const seen = await loadRow(context, ATTEMPTS, input.attemptId);
    if (!isOpen(seen)) return { kind: "gone" };
    const row = await noteKeys(context, seen, keys, input.now);
    if (row === "closed" || row === "held") return await grantNow(context, input, seen, []);
    const met = await takeKeys(context, row, keys);
    if (met === undefined) return await grantNow(context, input, row, keys);
    const queued = await queueNow(context, input, { ...met, keys });
    if (queued !== undefined) return queued;
  }
}

/** Before any key is touched: whoever ends the attempt must know which ones to free. */
async function noteKeys(context: StoreContext, seen: AttemptRow, keys: readonly string[], now: number) {
  const isNoted = (row: AttemptRow) => keys.every((key) => row.keys.includes(key));
  if (isNoted(seen) && findLiveOwner(seen, now) === undefined) return seen;
  return mutateRow<AttemptRow, AttemptRow | "closed" | "held">(
    context,
    ATTEMPTS,
    seen.attemptId,
    (row) => {
      if (!isOpen(row)) return { result: "closed" };
      if (findLiveOwner(row, now) !== undefined) return { result: "held" };
      if (isNoted(row)) return { result: row };
      const write = { ...row, keys: [...new Set([...row.keys, ...keys])] };
      return { write, result: write };
    },
    seen,
  );
}

/** In order; gives the first key that another one has. */
async function takeKeys(context: StoreContext, row: AttemptRow, keys: readonly string[]) {
  for (const [index, key] of keys.entries()) {
    const taken = await takeKey(context, key, row);
    if (taken.kind === "queued") return { key, keyRow: taken.row, heldKeys: keys.slice(0, index) };
  }
  return undefined;
}

/** Decides the claim with the keys that the attempt has by now; `holder` has one more, where another attempt does. */
function decideClaim(
  { runnersHaveStore }: StoreContext,
  row: AttemptRow | undefined,
  input: ClaimInput,
  { owned, blocked }: { readonly owned: readonly string[]; readonly blocked?: readonly [key: string, holder: string] },
) {
  const holders = new Map(owned.map((key) => [key, input.attemptId]));
  if (blocked !== undefined) holders.set(...blocked);
  const exclusiveKeys = [...holders.keys()];
  const claimWindowMs = toClaimWindowMs(row?.timeoutMs ?? 0, runnersHaveStore);
  return claimAttempt(row, { ...input, exclusiveKeys, claimWindowMs }, holders);
}

async function grantNow(
  context: StoreContext,
  input: ClaimInput,
  seen: AttemptRow,
  keys: readonly string[],
): Promise<ClaimResult> {
  const { attemptId, now } = input;
  const move = await mutateRow<AttemptRow, ReturnType<typeof decideClaim>>(
    context,
    ATTEMPTS,
    attemptId,
    (row) => {
      const result = decideClaim(context, row, input, { owned: keys });
      if (result.kind === "granted") return { write: toClaimed(result.attempt, now), result };
      // Its message goes whatever the answer is.
      return { write: row?.sent === undefined ? undefined : { ...row, sent: undefined }, result };
    },
    // What was noted has another nonce by now, and what is held must be read again.
    keys.length === 0 ? seen : undefined,
  );
  if (move.kind === "gone") await leaveKeys(context, attemptId, keys, now);
  if (move.kind !== "granted") return move.kind === "held" ? move : { kind: "gone" };
  if (move.leaves !== undefined) await leaveKeys(context, attemptId, [move.leaves], now);
  return toGranted(move.attempt, await loadSecrets(context, move.attempt));
}

/** Undefined: the key came meanwhile, or the attempt ended; look again. */
async function queueNow(
  context: StoreContext,
  input: ClaimInput,
  met: {
    readonly key: string;
    readonly keyRow: KeyRow;
    readonly heldKeys: readonly string[];
    readonly keys: readonly string[];
  },
): Promise<ClaimResult | undefined> {
  const { attemptId, now } = input;
  const { key, keyRow, heldKeys } = met;
  const move = await mutateRow<AttemptRow, ReturnType<typeof decideClaim>>(context, ATTEMPTS, attemptId, (row) => {
    const result = decideClaim(context, row, input, { owned: heldKeys, blocked: [key, keyRow.holder] });
    return { write: result.kind === "queued" ? toClaimed(result.attempt, now) : undefined, result };
  });
  if (move.kind !== "queued") {
    await freeIfEnded(context, attemptId, met.keys, now);
    return undefined;
  }
  if (move.leaves !== undefined) await leaveKeys(context, attemptId, [move.leaves], now);
  // Its holder may have ended between the two writes, and looked for a queued attempt where none was yet.
  await settleKey(context, key, { now });
  const row = await loadRow(context, ATTEMPTS, attemptId);
  if (row?.status !== "queued") return row?.status === "unclaimed" ? undefined : { kind: "gone" };
  const place = findKeyPlace(keyRow, attemptId)?.place ?? 0;
  return { kind: "queued", key, holder: keyRow.holder, place };
}

async function leaveKeys(
  context: StoreContext,
  attemptId: string,
  keys: readonly string[],
  now: number,
): Promise<void> {
  for (const key of keys) await settleKey(context, key, { left: attemptId, now });
}

async function freeIfEnded(context: StoreContext, attemptId: string, keys: readonly string[], now: number) {
  if (!isOpen(await loadRow(context, ATTEMPTS, attemptId))) await leaveKeys(context, attemptId, keys, now);
}

async function loadSecrets(context: StoreContext, { stackId, attemptId, secrets }: AttemptRow) {
  if (secrets === undefined) return undefined;
  const { stack } = await loadAggregate(context, stackId);
  return readAttemptSecrets(stack, attemptId, secrets);
}
