import { hash } from "node:crypto";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { StackyardError } from "../errors/stackyard-error.ts";
import { listPages } from "../list-pages.ts";
import { changeRecord } from "../ports/change-record.ts";
import type { Clock, Random } from "../ports/clock.ts";
import type { Page, PageInput, Records, StoredRecord } from "../ports/records.ts";
import { notifyDeadLetter } from "./notices.ts";
import {
  buryItem,
  claimItem,
  completeItem,
  failItem,
  isClaimable,
  isHeld,
  postponeItem,
  putItem,
  type QueueClaim,
  type QueueDelay,
  type QueueItem,
  redriveItem,
  renewItem,
  toClaimableAt,
} from "./queue-item.ts";

/** The time for which a claimant may work before another one may claim the item. */
const LEASE_MS = 60_000;
/** Dead letters are kept for so long. */
const KEEP_DEAD_MS = 30 * 86_400_000;
const MAX_ITEMS = 10_000;
const PAGE = 500;
/** Writers of one key that meet each other try again so often. */
const MAX_TRIES = 50;

/** An entry of a queue, for lists. */
export interface ListedItem extends QueueItem {
  readonly key: string;
}

/** The result of a claim: items to work on, and when the next one may be claimed. */
export interface ClaimedItems {
  readonly claims: readonly QueueClaim[];
  /** Epoch milliseconds. Undefined when no live item remains. */
  readonly nextAt: number | undefined;
}

/**
 * A queue with one item for each key, for deliveries of code hosts, reports to them, and notifications. Items survive
 * crashes; work on an item happens at least once. Every step is one conditional write, so several processes may use a
 * queue.
 */
export interface KeyedQueue {
  /**
   * Puts a value, or merges it into the item of its key: `merge` gets the value before (default: the new value replaces
   * it). Throws `QUEUE_FULL` for a new key when the queue has 10,000 items, and `PAYLOAD_TOO_LARGE` above 256 KiB.
   */
  put(key: string, value: unknown, options: PutOptions): Promise<void>;
  /**
   * Claims at most `limit` items that are due, for a minute each. An item over which a process has died comes after all
   * others, or when it has waited for another minute, and alone: what was claimed together with it is not to blame. When three claims in a row have lapsed, the item becomes a dead
   * letter instead.
   */
  claim(limit: number): Promise<ClaimedItems>;
  /**
   * Claims an item for another minute, unless another claim began: then undefined. Call it before work that must not be
   * repeated when the minute is over, as after a pause of the process; the earlier claim is void afterwards.
   */
  renew(claim: QueueClaim): Promise<QueueClaim | undefined>;
  /**
   * Removes an item after its work; one that was put again meanwhile remains. False: another claim began, and counts.
   */
  done(claim: QueueClaim): Promise<boolean>;
  /**
   * Does the work later instead: the item is due at `until` (epoch milliseconds), with the value that was put last. Its
   * failures are forgotten. False: another claim began, and counts.
   */
  later(claim: QueueClaim, until: number): Promise<boolean>;
  /**
   * Repeats the work later: after 5 s × 2ⁿ with full jitter, at most an hour. After 24 hours of failures the item
   * becomes a dead letter, which is kept for 30 days.
   */
  fail(claim: QueueClaim, message: string): Promise<"retried" | "dead" | "lost">;
  /** Makes a dead letter at once: the work cannot succeed before a person has changed something. */
  bury(claim: QueueClaim, message: string): Promise<"dead" | "lost">;
  /**
   * Returns the earliest instant at which an item can be claimed, or the present when one can be claimed now; undefined
   * when there is none. Writes nothing. Reads the queue up to the first item that can be claimed: items are in the
   * order of their keys.
   */
  dueAt(): Promise<number | undefined>;
  /** Lists live items and dead letters, by key. A page may be empty and have a cursor. */
  list(page: PageInput): Promise<Page<ListedItem>>;
  /** Makes a dead letter due now. Returns false when the key has none. */
  redrive(key: string): Promise<boolean>;
}

/** When a value is due, and how it is merged. */
export interface PutOptions extends QueueDelay {
  readonly merge?: (before: unknown, value: unknown) => unknown;
}

/** Dependencies of a queue. */
export interface KeyedQueueDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
}

const Stored = Type.Object({
  key: Type.String(),
  value: Type.Unknown(),
  firstPutAt: Type.Number(),
  puts: Type.Number(),
  dueAt: Type.Number(),
  claims: Type.Number(),
  claimedUntil: Type.Optional(Type.Number()),
  lapses: Type.Optional(Type.Number()),
  failure: Type.Optional(
    Type.Object({ count: Type.Number(), firstAt: Type.Number(), lastAt: Type.Number(), message: Type.String() }),
  ),
  deadAt: Type.Optional(Type.Number()),
});

/** Creates the queue of this name: 1 to 64 lower-case letters, digits and hyphens. */
export function createKeyedQueue(deps: KeyedQueueDeps, name: string): KeyedQueue {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) throw new StackyardError("USAGE", `"${name}" is not the name of a queue.`);
  const { records, clock, random } = deps;
  const prefix = `queue/${name}/`;
  const update: Update = (key, decide) => updateItem(deps, { queue: name, prefix, key }, decide);
  // Live items: counted by the first put and by each claim, so that a burst of puts does not read the queue each time.
  let count: number | undefined;
  // Of the items over which processes have died and that the last claim has left, the one that waits longest.
  let oldest: LapsedItem | undefined;

  async function takeRoom(): Promise<void> {
    count ??= await countLive(deps, prefix);
    if (count >= MAX_ITEMS) {
      throw new StackyardError("QUEUE_FULL", `The queue "${name}" has ${MAX_ITEMS} items. Try again later.`);
    }
    count += 1;
  }

  const claimOne = ({ key }: Pick<ListedItem, "key">) => update(key, (item, now) => claimNow(key, item, now));

  async function claimFirst(items: readonly LapsedItem[]): Promise<AloneClaim> {
    for (const [index, item] of items.entries()) {
      const claim = await claimOne(item);
      if (claim !== undefined) return { claims: [claim], rest: items.slice(index + 1) };
    }
    return { claims: [], rest: [] };
  }

  /** Claims what has waited for longer than a lease, alone: steady traffic must not keep it waiting. */
  async function claimStarved(): Promise<QueueClaim | undefined> {
    if (oldest === undefined || oldest.at + LEASE_MS > clock.now()) return undefined;
    const { key } = oldest;
    oldest = undefined;
    return claimOne({ key });
  }

  return {
    async put(key, value, { merge, ...delay }) {
      if ((await records.get(toRecordKey(prefix, key), clock.now())) === undefined) await takeRoom();
      await update(key, (item, now) => {
        const merged = item === undefined || merge === undefined ? value : merge(item.value, value);
        return { write: putItem(item, { value: merged, delay }, now), result: undefined };
      });
    },
    async claim(limit) {
      const starved = await claimStarved();
      if (starved !== undefined) return { claims: [starved], nextAt: clock.now() };
      const { claims, live, waitsUntil, lapsed } = await claimFree(readLive(deps, prefix), { limit, clock, claimOne });
      const alone: AloneClaim = claims.length === 0 ? await claimFirst(lapsed) : { claims, rest: lapsed };
      count = live;
      [oldest] = alone.rest.toSorted((a, b) => a.at - b.at);
      const nextAt = alone.rest.reduce((least, { at }) => Math.min(least, at), waitsUntil);
      return { claims: alone.claims, nextAt: nextAt === Number.POSITIVE_INFINITY ? undefined : nextAt };
    },
    renew: (claim) =>
      update(claim.key, (item, now) => {
        const until = now + LEASE_MS;
        const renewed = renewItem(item, claim, until);
        return renewed.kind === "lost" ? { result: undefined } : { write: renewed.item, result: { ...claim, until } };
      }),
    done: (claim) =>
      update(claim.key, (item) => {
        const completed = completeItem(item, claim);
        if (completed.kind === "lost") return { result: false };
        return { write: completed.kind === "kept" ? completed.item : "remove", result: true };
      }),
    later: (claim, until) =>
      update(claim.key, (item) => {
        const postponed = postponeItem(item, claim, until);
        return postponed.kind === "lost" ? { result: false } : { write: postponed.item, result: true };
      }),
    fail: (claim, message) =>
      update<"retried" | "dead" | "lost">(claim.key, (item, now) => {
        const failed = failItem(item, claim, { message, now, random: random() });
        return failed.kind === "lost" ? { result: "lost" } : { write: failed.item, result: failed.kind };
      }),
    bury: (claim, message) =>
      update<"dead" | "lost">(claim.key, (item, now) => {
        const buried = buryItem(item, claim, { message, now });
        return buried.kind === "lost" ? { result: "lost" } : { write: buried.item, result: "dead" };
      }),
    async dueAt() {
      let dueAt = Number.POSITIVE_INFINITY;
      for await (const item of readLive(deps, prefix)) {
        dueAt = Math.min(dueAt, toClaimableAt(item));
        if (dueAt <= clock.now()) return clock.now();
      }
      return dueAt === Number.POSITIVE_INFINITY ? undefined : dueAt;
    },
    async list(page) {
      const { items, ...rest } = await records.list(prefix, { ...page, now: clock.now() });
      return { items: items.map(toItem), ...rest };
    },
    redrive: (key) =>
      update(key, (item, now) =>
        item?.deadAt === undefined ? { result: false } : { write: redriveItem(item, now), result: true },
      ),
  };
}

/** What was claimed, and what was left of the items that are claimed alone. */
interface AloneClaim {
  readonly claims: readonly QueueClaim[];
  readonly rest: readonly LapsedItem[];
}

interface ClaimFreeInput {
  readonly limit: number;
  readonly clock: Pick<Clock, "now">;
  readonly claimOne: (item: Pick<ListedItem, "key">) => Promise<QueueClaim | undefined>;
}

/** An item over which a process has died, without its value; it may be claimed from `at` on. */
interface LapsedItem {
  readonly key: string;
  readonly at: number;
}

/** Claims what no process has died over, and keeps no other value. `lapsed`: the items that are due, and that one had. */
async function claimFree(items: AsyncIterable<ListedItem>, { limit, clock, claimOne }: ClaimFreeInput) {
  const claims: QueueClaim[] = [];
  const lapsed: LapsedItem[] = [];
  let live = 0;
  let waitsUntil = Number.POSITIVE_INFINITY;
  for await (const listed of items) {
    live += 1;
    const { key } = listed;
    const at = toClaimableAt(listed);
    const isDue = claims.length < limit && isClaimable(listed, clock.now());
    const claimed = isDue && !isHeld(listed) ? await claimOne({ key }) : undefined;
    if (claimed !== undefined) claims.push(claimed);
    else if (isDue && isHeld(listed)) lapsed.push({ key, at });
    else waitsUntil = Math.min(waitsUntil, at);
  }
  return { claims, live, waitsUntil, lapsed };
}

/** An item with the name of its queue. */
export interface QueuedItem extends ListedItem {
  readonly queue: string;
}

/** Lists the items of all queues, by queue. Dead letters are among them. */
export async function listQueuedItems(
  { records, clock }: Pick<KeyedQueueDeps, "records" | "clock">,
  page: PageInput,
): Promise<Page<QueuedItem>> {
  const { items, ...rest } = await records.list("queue/", { ...page, now: clock.now() });
  return { items: items.map((record) => ({ ...toItem(record), queue: record.key.split("/")[1] ?? "" })), ...rest };
}

/** Returns the item of a key, live or a dead letter. Undefined: its work is done, or it was never put. */
export async function findQueuedItem(
  { records, clock }: Pick<KeyedQueueDeps, "records" | "clock">,
  { queue, key }: Pick<QueuedItem, "queue" | "key">,
): Promise<ListedItem | undefined> {
  const found = await records.get(toRecordKey(`queue/${queue}/`, key), clock.now());
  return found && toItem(found);
}

type Update = <Result>(key: string, decide: Decide<Result>) => Promise<Result>;
type Decide<Result> = (item: QueueItem | undefined, now: number) => Step<Result>;

/** One conditional write, and what the caller gets once it is stored. Without a write nothing is stored. */
interface Step<Result> {
  readonly write?: QueueItem | "remove";
  readonly result: Result;
}

interface ItemPlace {
  readonly queue: string;
  readonly prefix: string;
  readonly key: string;
}

// Keys contain names from outside, of any length.
function toRecordKey(prefix: string, key: string): string {
  return `${prefix}${hash("sha256", key, "base64url")}`;
}

/** Stores a decision about an item; decides again when another writer was first. */
async function updateItem<Result>(deps: KeyedQueueDeps, place: ItemPlace, decide: Decide<Result>): Promise<Result> {
  const { queue, prefix, key } = place;
  const { result } = await changeRecord({
    ...deps,
    key: toRecordKey(prefix, key),
    tries: MAX_TRIES,
    conflict: `Too many concurrent writes to the item "${key}" in ${prefix}. Try again.`,
    async decide(found, now) {
      const { write, result } = decide(found && toItem(found), now);
      if (write === undefined || write === "remove") return { write, result };
      const { deadAt, firstPutAt, claims, failure } = write;
      if (deadAt !== undefined) {
        // Before the write: if the process died after it, nothing would handle the item again.
        const death = `${firstPutAt}/${claims}`;
        await notifyDeadLetter(deps, { queue, key, death, message: failure?.message ?? "" });
      }
      const expiresAt = deadAt === undefined ? undefined : deadAt + KEEP_DEAD_MS;
      return { write: { value: { ...write, key }, expiresAt }, result };
    },
  });
  return result;
}

async function* readLive({ records, clock }: KeyedQueueDeps, prefix: string): AsyncGenerator<ListedItem> {
  const pages = listPages((start) => records.list(prefix, { limit: PAGE, now: clock.now(), ...start }));
  for await (const { items } of pages) yield* items.map(toItem).filter(({ deadAt }) => deadAt === undefined);
}

async function countLive(deps: KeyedQueueDeps, prefix: string): Promise<number> {
  let count = 0;
  for await (const _ of readLive(deps, prefix)) count += 1;
  return count;
}

function claimNow(key: string, item: QueueItem | undefined, now: number): Step<QueueClaim | undefined> {
  if (item === undefined || !isClaimable(item, now)) return { result: undefined };
  const claimed = claimItem(item, LEASE_MS, now);
  if (claimed.kind === "dead") return { write: claimed.item, result: undefined };
  const { value, puts, claims, failure } = claimed.item;
  const claim = { key, value, claim: claims, puts, failures: failure?.count ?? 0, until: now + LEASE_MS };
  return { write: claimed.item, result: claim };
}

function toItem({ key, value }: StoredRecord): ListedItem {
  if (Check(Stored, value)) return value as ListedItem;
  throw new StackyardError("STORE_CORRUPT", `The record "${key}" contains no item of a queue. Remove it.`);
}
