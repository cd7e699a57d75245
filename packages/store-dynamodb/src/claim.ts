import { type ClaimInput, type ClaimResult, readAttemptSecrets } from "@stackyard/core/engine";
import { findLiveOwner, grant, isOpen, queue } from "./attempt-moves.ts";
import { ATTEMPTS, type AttemptRow, toUnclaimedMs } from "./attempt-row.ts";
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
    const queued = await queueNow(context, input, row, { ...met, keys });
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

async function grantNow(
  context: StoreContext,
  input: ClaimInput,
  seen: AttemptRow,
  keys: readonly string[],
): Promise<ClaimResult> {
  const result = await mutateRow<AttemptRow, ClaimResult & { readonly row?: AttemptRow }>(
    context,
    ATTEMPTS,
    input.attemptId,
    (row) => {
      if (!isOpen(row)) return { result: { kind: "gone" } };
      const by = findLiveOwner(row, input.now);
      // Its message goes whatever the answer is.
      const write = row.sent === undefined ? undefined : { ...row, sent: undefined };
      if (by !== undefined) return { write, result: { kind: "held", by } };
      const granted = grant(row, input, keys);
      return { write: granted, result: { ...toGranted(granted), row: granted } };
    },
    // What was noted has another nonce by now, and what is held must be read again.
    keys.length === 0 ? seen : undefined,
  );
  if (result.kind === "gone")
    for (const key of keys) await settleKey(context, key, { left: input.attemptId, now: input.now });
  const { row, ...answer } = result;
  return answer.kind === "granted" ? { ...answer, ...(await findSecrets(context, row)) } : answer;
}

/** Undefined: the key came meanwhile, or the attempt ended; look again. */
async function queueNow(
  context: StoreContext,
  { attemptId, now }: ClaimInput,
  seen: AttemptRow,
  met: {
    readonly key: string;
    readonly keyRow: KeyRow;
    readonly heldKeys: readonly string[];
    readonly keys: readonly string[];
  },
): Promise<ClaimResult | undefined> {
  const { key, keyRow, heldKeys } = met;
  const unclaimedMs = toUnclaimedMs(seen.timeoutMs, context.runnersHaveStore);
  const isQueued = await mutateRow<AttemptRow, boolean>(context, ATTEMPTS, attemptId, (row) => {
    if (!isOpen(row) || findLiveOwner(row, now) !== undefined) return { result: false };
    return { write: queue(row, { key, heldKeys, unclaimedMs, now }), result: true };
  });
  if (!isQueued) {
    await freeIfEnded(context, attemptId, met.keys, now);
    return undefined;
  }
  // Its holder may have ended between the two writes, and looked for a queued attempt where none was yet.
  await settleKey(context, key, { now });
  const row = await loadRow(context, ATTEMPTS, attemptId);
  if (row?.status !== "queued") return row?.status === "unclaimed" ? undefined : { kind: "gone" };
  const place = keyRow.waiters.findIndex((waiter) => waiter.attemptId === attemptId) + 1;
  return { kind: "queued", key, holder: keyRow.holder, place };
}

async function freeIfEnded(context: StoreContext, attemptId: string, keys: readonly string[], now: number) {
  if (isOpen(await loadRow(context, ATTEMPTS, attemptId))) return;
  for (const key of keys) await settleKey(context, key, { left: attemptId, now });
}

function toGranted(row: AttemptRow): ClaimResult {
  return {
    kind: "granted",
    grant: { attemptId: row.attemptId, owner: row.owner ?? "", token: row.token },
    deadlineAt: row.deadlineAt,
    again: row.token > 1,
    ...(row.progress === undefined ? {} : { progress: row.progress }),
    ...(row.cancel === undefined ? {} : { cancelling: row.cancel.why }),
  };
}

async function findSecrets(context: StoreContext, row: AttemptRow | undefined) {
  if (row?.secrets === undefined) return {};
  const { stack } = await loadAggregate(context, row.stackId);
  return { secrets: readAttemptSecrets(stack, row.attemptId, row.secrets) };
}
