import { isStackyardError, isUnreadable, StackyardError } from "../errors/stackyard-error.ts";
import { listPages } from "../list-pages.ts";
import { isMap } from "../machine/json.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Lease, Leases, Records, StoredRecord } from "../ports/records.ts";
import { readClock, type SeenClock } from "../steady-clock.ts";
import {
  type AuditHead,
  EMPTY_HEAD,
  HEAD_KEY,
  hashLine,
  LOG_PREFIX,
  PRUNE_ACTION,
  PRUNER,
  parseLine,
  parseWitness,
  toLineKey,
  toLineText,
  WITNESS_KEY,
} from "./audit-chain.ts";
import {
  AUDIT_RETENTION_DAYS,
  type AuditEntry,
  PENDING_PREFIX,
  type PendingEntry,
  toPendingKey,
  toSealedKey,
} from "./audit-entry.ts";
import { signHead } from "./signed-head.ts";

/** Dependencies of sealing. */
export interface AuditSealerDeps {
  readonly records: Records;
  readonly leases: Leases;
  readonly clock: Pick<Clock, "now">;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Names this process among those that may seal. */
  readonly owner: string;
}

/** Limits of the audit log. */
export interface AuditSealerOptions {
  /** The time for which lines are kept, by their instant. Default: 400 days. */
  readonly retentionMs?: number;
}

/** Writes the entries that wait into the chain of the audit log. */
export interface AuditSealer {
  /**
   * Seals waiting entries, up to one batch, unless another process does; prunes now and then. Returns the number of
   * lines that it has written. May be killed anywhere: the next call, of any process, finishes its work, and no entry
   * is lost or written twice.
   */
  seal(): Promise<number>;
}

const DAY_MS = 86_400_000;
const LEASE_KEY = "audit-seal";
const LEASE_MS = 30_000;
/** A page of records has at most this many, and SQLite commits this many writes at once. */
const BATCH = 256;
const PRUNE_EVERY_MS = 600_000;
const HOUR_MS = 3_600_000;
/** The time in which a store may relay an entry again after it was sealed. */
const MARK_MS = 400 * DAY_MS;

/** The stored form of the head, with the fields that a crash must not lose. */
interface HeadValue extends AuditHead {
  /** The token of the lease under which it was written: a late owner of an earlier one cannot write it. */
  readonly token: number;
  /** Entries of the lines from here on may still wait, although they were sealed. */
  readonly batchFrom: number;
  /** Lines that are being pruned: they go when the entry about it is there. */
  readonly pruning?: { readonly entryId: string; readonly at: number; readonly from: number };
  /** As sealers have seen it. */
  readonly clock?: SeenClock;
}

/** The head with its record's version. */
interface HeldHead {
  readonly value: HeadValue;
  readonly version: number | "absent";
}

/** Creates the sealer of a process. */
export function createAuditSealer(deps: AuditSealerDeps, options: AuditSealerOptions = {}): AuditSealer {
  const { records, leases, clock, logger } = deps;
  const retentionMs = options.retentionMs ?? AUDIT_RETENTION_DAYS.default * DAY_MS;
  let lease: Lease | undefined;
  /** The head; undefined until what an earlier owner has begun is finished. */
  let head: HeldHead | undefined;
  let prunedAt = Number.NEGATIVE_INFINITY;
  /** Whether the head is noted in this hour of the clock. */
  let noted: { readonly hour: number; readonly isNoted: boolean } | undefined;

  async function hold(): Promise<Lease | undefined> {
    if (lease !== undefined && clock.now() < lease.until - LEASE_MS / 2) return lease;
    const renewed = lease && (await leases.renew(lease, LEASE_MS));
    if (renewed === undefined) {
      head = undefined;
      const taken = await leases.acquire(LEASE_KEY, deps.owner, LEASE_MS);
      lease = taken.kind === "acquired" ? taken.lease : undefined;
    } else {
      lease = renewed;
    }
    return lease;
  }

  async function sealPending(pending: readonly StoredRecord[]): Promise<number> {
    const held = await hold();
    if (held === undefined) return 0;
    const known = head;
    head = undefined;
    const ready = known ?? (await recover(deps, held));
    const sealed = await sealBatch(deps, ready, known === undefined ? await listPending(deps) : pending);
    head = sealed.head;
    return sealed.count;
  }

  /** Notes the head once in each hour of the clock, and of an empty log as soon as it has lines. */
  async function noteHour(lines: number): Promise<void> {
    const hour = toHour(clock.now());
    if (noted?.hour === hour && (noted.isNoted || lines === 0)) return;
    noted = { hour, isNoted: await noteHead(deps) };
  }

  async function prune(): Promise<void> {
    // Without a head the log is empty.
    const hasLines = head !== undefined || (await records.get(HEAD_KEY, clock.now())) !== undefined;
    const held = hasLines ? await hold() : undefined;
    let isMore = false;
    if (held !== undefined) {
      const known = head ?? (await recover(deps, held));
      head = undefined;
      const { ready, isSteady } = await noteClock(deps, known);
      const entryId = deps.ids.next();
      const begun = isSteady ? await beginPruning(deps, ready, { before: clock.now() - retentionMs, entryId }) : ready;
      head = await finishPruning(deps, begun);
      isMore = begun !== ready;
    }
    prunedAt = isMore ? Number.NEGATIVE_INFINITY : clock.now();
  }

  return {
    async seal() {
      try {
        if (clock.now() - prunedAt >= PRUNE_EVERY_MS) await prune();
        const pending = await listPending(deps);
        const lines = pending.length === 0 ? 0 : await sealPending(pending);
        await noteHour(lines);
        return lines;
      } catch (error) {
        if (!isStackyardError(error, "LEASE_LOST")) throw error;
        // The present owner of the lease finishes what an earlier one began.
        logger.debug("Another process wrote into the audit log.");
        lease = lease && (await leases.renew(lease, LEASE_MS));
        return 0;
      }
    },
  };
}

function toHour(at: number): number {
  return Math.floor(at / HOUR_MS);
}

/**
 * Notes the head outside of the log, signed, and logs it: a log that was removed is not taken for an empty one, and who removes
 * lines does not reach the logs. One process of a yard does it in each hour. Returns whether this hour has a head.
 */
async function noteHead({ records, clock, logger }: AuditSealerDeps): Promise<boolean> {
  const now = clock.now();
  const [stored, record] = await Promise.all([records.get(HEAD_KEY, now), records.get(WITNESS_KEY, now)]);
  const before = parseWitness(record);
  if (before?.at !== undefined && toHour(before.at) === toHour(now)) return true;
  if (stored === undefined) return false;
  const { seq, hash } = stored.value as HeadValue;
  if (seq === 0) return false;
  const signed = await signHead({ records, clock }, { seq, hash, at: now }).catch((error: unknown) => {
    if (!isUnreadable(error)) throw error;
    logger.warn("The head of the audit log is not signed.", { error });
    return undefined;
  });
  const value = { seq, hash, at: now, ...signed };
  const put = await records.put({ key: WITNESS_KEY, value, expected: record?.version ?? "absent", now });
  if (put.kind === "written") logger.info("The audit log ends here.", { seq, hash, ...signed });
  return true;
}

/** The records of the log. */
type LogDeps = Pick<AuditSealerDeps, "records" | "clock">;

/** Lists the waiting entries, in order of their ids; one page. */
async function listPending({ records, clock }: LogDeps): Promise<readonly StoredRecord[]> {
  return (await records.list(PENDING_PREFIX, { limit: BATCH, now: clock.now() })).items;
}

/** Writes the chain on with one batch of entries, each of them once. */
async function sealBatch(
  deps: LogDeps,
  head: HeldHead,
  pending: readonly StoredRecord[],
): Promise<{ readonly head: HeldHead; readonly count: number }> {
  const waiting = pending.flatMap((record) => toWaiting(record) ?? []);
  const [again, fresh] = await splitRelayed(deps, waiting);
  let { seq, hash } = head.value;
  const batchFrom = seq + 1;
  const lines = fresh.map(({ entry }) => {
    const text = toLineText(entry, { seq, hash });
    seq += 1;
    hash = hashLine(text);
    return { key: toLineKey(seq), text };
  });
  await all(lines.map(({ key, text }) => putNew(deps, key, text)));
  const next = lines.length === 0 ? head : await putHead(deps, head, { ...head.value, seq, hash, batchFrom });
  await removeSealed(deps, [...again, ...fresh]);
  return { head: next, count: lines.length };
}

/** An entry that waits, and its record. */
interface WaitingEntry {
  readonly entry: AuditEntry;
  readonly record: StoredRecord;
  readonly isRelayed: boolean;
}

/**
 * Returns the waiting entry of a record. Only entries are written under the prefix; a record that was edited by hand
 * into something else is left there.
 */
function toWaiting(record: StoredRecord): WaitingEntry | undefined {
  const { key, value } = record;
  if (!isPending(value) || key !== toPendingKey(value.id)) return undefined;
  const { relayed, ...entry } = value;
  return { entry, record, isRelayed: relayed === true };
}

function isPending(value: unknown): value is PendingEntry {
  return isMap(value) && typeof value["id"] === "string";
}

/** Separates entries that a store has relayed again after they were sealed from those that are in no line. */
async function splitRelayed(
  deps: LogDeps,
  waiting: readonly WaitingEntry[],
): Promise<readonly [readonly WaitingEntry[], readonly WaitingEntry[]]> {
  const marks = await all(
    waiting.map(async ({ entry, isRelayed }) =>
      isRelayed ? await deps.records.get(toSealedKey(entry.id), deps.clock.now()) : undefined,
    ),
  );
  const isAgain = (_: WaitingEntry, index: number) => marks[index] !== undefined;
  return [waiting.filter(isAgain), waiting.filter((each, index) => !isAgain(each, index))];
}

/** Removes the records of entries that are in the chain. A mark outlives those that their store may relay again. */
async function removeSealed({ records, clock }: LogDeps, sealed: readonly WaitingEntry[]): Promise<void> {
  await all(
    sealed.map(async ({ entry, record, isRelayed }) => {
      const now = clock.now();
      const mark = {
        key: toSealedKey(entry.id),
        value: {},
        expected: "absent",
        expiresAt: now + MARK_MS,
        now,
      } as const;
      if (isRelayed) await records.put(mark);
      await records.remove(record.key, record.version);
    }),
  );
}

/**
 * Makes the head this owner's, so that no earlier owner can move it, and finishes what that one has begun: lines that
 * continue the chain beyond the head are part of it, and others are not; entries of the last batch, and a pruning, may
 * be left.
 */
async function recover(deps: LogDeps, { token }: Lease): Promise<HeldHead> {
  const record = await deps.records.get(HEAD_KEY, deps.clock.now());
  const before = (record?.value ?? (await findLostHead(deps))) as HeadValue;
  if (before.token > token) throw lost();
  const old: HeldHead = { value: before, version: record?.version ?? "absent" };
  const fenced = await putHead(deps, old, { ...before, token });
  const { ids, stray, seq, hash } = await readTail(deps, before);
  const isAsBefore = seq === before.seq && stray.length === 0;
  // Lines that look stray may be those of a later owner that writes right now. It has moved the head, so this write is
  // refused.
  const head = isAsBefore ? fenced : await putHead(deps, fenced, { ...fenced.value, seq, hash });
  await all(stray.map(({ key, version }) => deps.records.remove(key, version)));
  await removeLeft(deps, ids);
  return finishPruning(deps, head);
}

/**
 * Returns the head of a log without one: before its oldest line, so that lines are kept if only the head was removed;
 * without lines the end that was noted outside, so that the numbers continue and a check misses the lines before.
 */
async function findLostHead(deps: LogDeps): Promise<HeadValue> {
  const { items } = await deps.records.list(LOG_PREFIX, { limit: 1, now: deps.clock.now() });
  const line = parseLine(items[0]?.value);
  if (line !== undefined) {
    const { seq, prev } = line;
    return { seq: seq - 1, hash: prev, first: { seq, prev }, batchFrom: seq, token: 0 };
  }
  const noted = parseWitness(await deps.records.get(WITNESS_KEY, deps.clock.now()));
  if (noted === undefined) return { ...EMPTY_HEAD, batchFrom: 1, token: 0 };
  const { seq, hash } = noted;
  return { seq, hash, first: { seq: seq + 1, prev: hash }, batchFrom: seq + 1, token: 0 };
}

/** Removes the records of entries that are in the chain already. */
async function removeLeft(deps: LogDeps, ids: ReadonlySet<string>): Promise<void> {
  if (ids.size === 0) return;
  const pages = listPages((start) =>
    deps.records.list(PENDING_PREFIX, { limit: BATCH, now: deps.clock.now(), ...start }),
  );
  for await (const { items } of pages) {
    const waiting = items.flatMap((each) => toWaiting(each) ?? []);
    const left = waiting.filter(({ entry }) => ids.has(entry.id));
    await removeSealed(deps, left);
  }
}

/** Walks lines from a number on, in their stored form. */
async function* walkLines({ records, clock }: LogDeps, from: number): AsyncGenerator<StoredRecord, void, undefined> {
  const begin = toLineKey(from - 1);
  const pages = listPages(({ cursor = begin }) => records.list(LOG_PREFIX, { limit: BATCH, now: clock.now(), cursor }));
  for await (const { items } of pages) yield* items;
}

/** Reads the ids of the last batch and of lines that continue the chain beyond the head; and lines that do not. */
async function readTail(deps: LogDeps, { seq: headSeq, hash: headHash, batchFrom }: HeadValue) {
  const ids = new Set<string>();
  const stray: StoredRecord[] = [];
  let [seq, hash] = [headSeq, headHash];
  for await (const record of walkLines(deps, batchFrom)) {
    const text = String(record.value);
    const line = parseLine(text);
    if (record.key === toLineKey(seq + 1) && line?.prev === hash) [seq, hash] = [seq + 1, hashLine(text)];
    if (record.key > toLineKey(seq)) stray.push(record);
    else if (line !== undefined) ids.add(line.id);
  }
  return { ids, stray, seq, hash };
}

/** Stores that the clock was seen, and warns when it has jumped since. Returns whether lines may be pruned by it. */
async function noteClock(
  deps: LogDeps & Pick<AuditSealerDeps, "logger">,
  head: HeldHead,
): Promise<{ readonly ready: HeldHead; readonly isSteady: boolean }> {
  const now = deps.clock.now();
  const { clock: seen } = head.value;
  const { clock, hasJumped, isSteady } = readClock(seen, now);
  if (hasJumped && seen !== undefined) {
    const message = "The clock has jumped by more than a day. For a day, no lines of the audit log are pruned.";
    deps.logger.warn(message, { from: new Date(seen.seenAt).toISOString(), to: new Date(now).toISOString() });
  }
  return { ready: await putHead(deps, head, { ...head.value, clock }), isSteady };
}

/** So many lines go at once. */
const PRUNED_AT_ONCE = 10_000;

/** Moves the beginning of the chain behind the lines that are too old. The newest line stays. */
async function beginPruning(
  deps: LogDeps,
  head: HeldHead,
  { before, entryId }: { readonly before: number; readonly entryId: string },
): Promise<HeldHead> {
  const { seq: last, first } = head.value;
  let next = first;
  for await (const { value } of walkLines(deps, first.seq)) {
    const line = parseLine(value);
    const isOld = line !== undefined && line.at < before && line.seq < last && line.seq - first.seq < PRUNED_AT_ONCE;
    if (!isOld) break;
    // The last old line stays: its age shows that those before it were old as well.
    next = { seq: line.seq, prev: line.prev };
  }
  if (next.seq === first.seq) return head;
  const pruning = { entryId, at: deps.clock.now(), from: first.seq };
  return putHead(deps, head, { ...head.value, first: next, pruning });
}

/**
 * Writes the entry about a pruning that has begun, and removes the lines. Done again after a crash, before anything is
 * sealed.
 */
async function finishPruning(deps: LogDeps, head: HeldHead): Promise<HeldHead> {
  const { pruning, ...rest } = head.value;
  if (pruning === undefined) return head;
  const { entryId: id, at, from } = pruning;
  const on = { key: `${from}-${rest.first.seq - 1}` };
  const entry: AuditEntry = { id, at, action: PRUNE_ACTION, outcome: "done", who: PRUNER, via: "host", on };
  await deps.records.put({ key: toPendingKey(id), value: entry, expected: "absent", now: deps.clock.now() });
  const pages = listPages((start) => deps.records.list(LOG_PREFIX, { limit: BATCH, now: deps.clock.now(), ...start }));
  for await (const { items } of pages) {
    const old = items.filter(({ key }) => key < toLineKey(rest.first.seq));
    await all(old.map(({ key, version }) => deps.records.remove(key, version)));
    if (old.length < items.length) break;
  }
  return putHead(deps, head, rest);
}

async function putHead({ records, clock }: LogDeps, { version }: HeldHead, value: HeadValue): Promise<HeldHead> {
  const put = await records.put({ key: HEAD_KEY, value, expected: version, now: clock.now() });
  if (put.kind === "conflict") throw lost();
  return { value, version: put.record.version };
}

async function putNew({ records, clock }: LogDeps, key: string, value: string): Promise<void> {
  const put = await records.put({ key, value, expected: "absent", now: clock.now() });
  if (put.kind === "conflict") throw lost();
}

function lost(): StackyardError {
  return new StackyardError("LEASE_LOST", "Another process is sealing the audit log.");
}

/** Waits for all calls, also when one fails: no call may take effect after the caller has continued. */
async function all<Result>(calls: readonly Promise<Result>[]): Promise<readonly Result[]> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}
