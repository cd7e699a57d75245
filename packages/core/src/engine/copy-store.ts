import { createHash } from "node:crypto";
import { chunk } from "../chunk.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { listPages } from "../list-pages.ts";
import { toEventKey } from "../machine/event-message.ts";
import { defined, isMap } from "../machine/json.ts";
import type { Page, StoredRecord } from "../ports/records.ts";
import {
  type Change,
  type DeadLetter,
  type LoadedStack,
  NO_CHANGE,
  type StoredHistoryEntry,
} from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import type { Remembered } from "../ports/store-memory.ts";
import { loadLiveProcesses } from "./yard-health.ts";

/** The stores, and what the source alone cannot name. */
interface CopyStoreInput {
  readonly from: Store;
  /** Empty, or left by an earlier call that did not end. */
  readonly to: Store;
  /** Machines whose revisions are copied besides those of stacks. */
  readonly machines: readonly string[];
  readonly now: number;
}

/** The parts of two stores that are compared at the end. */
const KINDS = ["stacks", "parked", "deadLetters", "history", "revisions", "records", "memory"] as const;
type Kind = (typeof KINDS)[number];

/** The count of items of a kind in a store, and the SHA-256 of all of them. */
export interface CopiedKind {
  readonly kind: Kind;
  readonly count: number;
  readonly hash: string;
}

/** The result of a copy. `again`: an earlier call had copied everything, and the stores are still equal. */
export interface CopyReport {
  readonly kind: "copied" | "again";
  readonly kinds: readonly CopiedKind[];
}

const MARK = "migration/from";
/** The prefix of the positions of followers. */
const FOLLOWERS = "followers/";
/** Records of processes, and of the checks whether a store takes writes. */
const TRANSIENT = ["processes/", "health/", MARK];

/**
 * Copies all that a yard has decided and stored: stacks with their parked events, dead letters, history, revisions,
 * all records, among them Terraform states and the audit log, and what the store remembers of what is gone. Then reads both
 * stores and compares counts and hashes. May be repeated: a call continues where an earlier one was interrupted.
 *
 * Attempts that have ended are not copied.
 *
 * @throws StackyardError `OUTCOME_NEGATIVE` when the source has work under way, the target is in use or has content of
 * its own, or the copies differ.
 */
export async function copyStore(input: CopyStoreInput): Promise<CopyReport> {
  const { from, to, now } = input;
  await checkIdle(from);
  if ((await loadLiveProcesses(to.records, now)).length > 0) {
    throw refuse("Servers or workers use the target. Stop them.");
  }
  const mark = await to.records.get(MARK, now);
  if (mark === undefined) await checkEmpty(to, now);
  if (mark === undefined) await to.records.put({ key: MARK, value: { status: "copying" }, expected: "absent", now });
  const isDone = isMap(mark?.value) && mark.value["status"] === "done";
  if (!isDone) await copyAll(input);
  const kinds = await compare(input);
  const begun = await to.records.get(MARK, now);
  if (!isDone && begun !== undefined)
    await to.records.put({ key: MARK, value: { status: "done" }, expected: begun.version, now });
  return { kind: isDone ? "again" : "copied", kinds };
}

function refuse(message: string): StackyardError {
  return new StackyardError("OUTCOME_NEGATIVE", message);
}

/** Work under way belongs to the workers of the source. */
async function checkIdle({ queries }: Store): Promise<void> {
  const { openAttempts, queuedEvents, queuedTasks } = await queries.stats();
  if (openAttempts + queuedEvents + queuedTasks === 0) return;
  throw refuse(
    `The source has ${openAttempts} open attempts, ${queuedEvents} queued events and ${queuedTasks} queued tasks. Start it, let them end or cancel them, and stop it.`,
  );
}

async function checkEmpty(to: Store, now: number): Promise<void> {
  const { stacks, parkedEvents, deadLetters } = await to.queries.stats();
  const { items: lines } = await to.queries.listHistory({}, { limit: 1 });
  const records = await collect((start) => to.records.list("", { limit: PAGE, now, ...start }));
  const own = records.filter(({ key }) => !isTransient(key));
  if (stacks + parkedEvents + deadLetters + lines.length + own.length === 0) return;
  throw refuse("The target is not empty, and no earlier call has begun to fill it. Choose an empty database.");
}

async function copyAll({ from, to, machines, now }: CopyStoreInput): Promise<void> {
  for (const record of await listRecords(from, now)) await copyRecord(record, to, now);
  for (const hash of await listRevisionHashes(from, machines)) {
    const revision = await from.revisions.get(hash);
    if (revision !== undefined) await to.revisions.put(revision, revision.firstSeenAt);
  }
  // Before the stacks, which continue their versions.
  for (const part of chunk(await listForTarget(from), PAGE)) await to.memory.add(part);
  for (const stackId of await listStackIds(from)) await copyStack(from, to, { stackId, now });
  await copyDeadLetters(from, to, now);
  await copyHistory(from, to, now);
  await moveFollowers(from, to, now);
}

async function copyRecord({ key, value, expiresAt }: StoredRecord, to: Store, now: number): Promise<void> {
  const present = await to.records.get(key, now);
  if (present !== undefined && toText(present.value) === toText(value)) return;
  const expected = present?.version ?? "absent";
  const put = await to.records.put({ key, value, expected, now, ...defined({ expiresAt }) });
  if (put.kind !== "written") throw refuse(`Another process has written "${key}" in the target.`);
}

/** Lists what the target remembers before it has the stacks. Writing one gives it the next version, so that it gets its own. */
async function listForTarget(from: Store): Promise<readonly Remembered[]> {
  return (await listRemembered(from)).map((entry) => {
    const isThere = entry.kind === "stack" && entry.goneAt === undefined;
    return isThere ? { ...entry, version: Math.max(0, entry.version - 1) } : entry;
  });
}

async function copyStack(from: Store, to: Store, { stackId, now }: { stackId: string; now: number }): Promise<void> {
  const [source] = await from.load([stackId]);
  const [target] = await to.load([stackId]);
  if (source === undefined || toStackText(source) === toStackText(target)) return;
  await commit(to, {
    ...NO_CHANGE,
    stackId,
    expectedVersion: target?.version ?? 0,
    write: source.stack === undefined ? { kind: "keep" } : { kind: "put", stack: source.stack },
    now,
  });
  await copyParked(from, to, { source, now });
}

/** Messages of parked events may be large, and a stack may have many of them. */
const PARKED_AT_ONCE = 20;

/** Parks what is not parked in the target yet, oldest first. */
async function copyParked(
  from: Store,
  to: Store,
  { source, now }: { source: LoadedStack; now: number },
): Promise<void> {
  const { stackId } = source;
  const [target] = await to.load([stackId]);
  const present = new Set(target?.parked.map(({ event }) => toEventKey(event)));
  const keys = source.parked.map(({ event }) => toEventKey(event)).filter((key) => !present.has(key));
  for (const part of chunk(keys, PARKED_AT_ONCE)) {
    const park = await loadParkedInOrder(from, stackId, part);
    await commit(to, { ...NO_CHANGE, stackId, expectedVersion: target?.version ?? 0, park, now });
  }
}

async function loadParkedInOrder(store: Store, stackId: string, keys: readonly string[]) {
  const found = new Map((await store.loadParked(stackId, keys)).map((each) => [toEventKey(each.event), each]));
  return keys.flatMap((key) => found.get(key) ?? []);
}

async function copyDeadLetters(from: Store, to: Store, now: number): Promise<void> {
  const present = new Set((await listDeadLetters(to)).map(({ id }) => id));
  for (const letter of (await listDeadLetters(from)).filter(({ id }) => !present.has(id))) {
    await commit(to, { ...NO_CHANGE, deadLetters: [letter], now });
  }
}

const LINES_AT_ONCE = 200;

/** Lines are added in order, so those that are there are the first. */
async function copyHistory(from: Store, to: Store, now: number): Promise<void> {
  const present = (await listHistory(to)).length;
  const lines = (await listHistory(from)).slice(present);
  for (const part of chunk(lines, LINES_AT_ONCE)) await commit(to, { ...NO_CHANGE, history: part, now });
}

/**
 * Moves the positions up to which programs have read the history to the same lines in the target, where lines may have other
 * positions.
 */
async function moveFollowers(from: Store, to: Store, now: number): Promise<void> {
  const lines = await listHistory(from);
  const moved = await listHistory(to);
  for (const { key, value } of await listRecords(from, now)) {
    const read = countRead(key, value, lines);
    if (read === undefined) continue;
    const position = moved[read - 1]?.position ?? 0;
    const present = await to.records.get(key, now);
    if (isMap(present?.value) && present.value["position"] === position) continue;
    await to.records.put({ key, value: { position }, expected: present?.version ?? "absent", now });
  }
}

/** Returns how many lines of the history a program has read, from the record of its position; undefined for other records. */
function countRead(key: string, value: unknown, lines: readonly StoredHistoryEntry[]): number | undefined {
  const position = key.startsWith(FOLLOWERS) && isMap(value) ? value["position"] : undefined;
  if (typeof position !== "number") return undefined;
  return lines.filter((line) => line.position <= position).length;
}

async function commit(to: Store, change: Change): Promise<void> {
  const [result] = await to.commit([change]);
  if (result?.kind !== "committed") throw refuse(`The stack "${change.stackId}" was changed in the target meanwhile.`);
}

async function compare(input: CopyStoreInput): Promise<readonly CopiedKind[]> {
  const remembered = await listRemembered(input.from);
  const missing = new Set<Remembered>();
  for (const part of chunk(remembered, PAGE))
    for (const each of await input.to.memory.findMissing(part)) missing.add(each);
  const known = remembered.filter((entry) => !missing.has(entry));
  const ours = { ...(await digest(input.from, input)), memory: toDigest(remembered) };
  const theirs = { ...(await digest(input.to, input)), memory: toDigest(known) };
  const different = KINDS.filter((kind) => toText(ours[kind]) !== toText(theirs[kind]));
  if (different.length === 0) return KINDS.map((kind) => ({ kind, ...theirs[kind] }));
  const counts = different.map(
    (kind) => `${kind}: ${ours[kind].count} in the source, ${theirs[kind].count} in the target`,
  );
  throw refuse(`The stores differ (${counts.join("; ")}). One of them was used after the copy, or cannot be read.`);
}

type Digest = Readonly<Record<Kind, { readonly count: number; readonly hash: string }>>;

async function digest(store: Store, { machines, now }: CopyStoreInput): Promise<Omit<Digest, "memory">> {
  const ids = await listStackIds(store);
  const loaded = (await Promise.all(chunk(ids, PAGE).map((part) => store.load(part)))).flat();
  const letters = await listDeadLetters(store);
  const lines = await listHistory(store);
  return {
    stacks: toDigest(loaded.flatMap(({ stack }) => stack ?? [])),
    parked: await digestParked(store, loaded),
    deadLetters: toDigest(letters),
    history: toDigest(lines.map(({ position: _, ...line }) => line)),
    revisions: toDigest(await listRevisionHashes(store, machines)),
    records: toDigest(
      (await listRecords(store, now)).map(({ version: _, ...record }) => {
        const read = countRead(record.key, record.value, lines);
        return read === undefined ? record : { ...record, value: { read } };
      }),
    ),
  };
}

async function digestParked(store: Store, stacks: readonly LoadedStack[]): Promise<Digest[Kind]> {
  const hash = createHash("sha256");
  let count = 0;
  for (const { stackId, parked } of stacks) {
    const keys = parked.map(({ event }) => toEventKey(event));
    for (const part of chunk(keys, PARKED_AT_ONCE)) {
      for (const each of await loadParkedInOrder(store, stackId, part)) {
        hash.update(`${toText(each)}\n`);
        count += 1;
      }
    }
  }
  return { count, hash: hash.digest("hex") };
}

function toDigest(items: readonly unknown[]): Digest[Kind] {
  const hash = createHash("sha256");
  for (const item of items) hash.update(`${toText(item)}\n`);
  return { count: items.length, hash: hash.digest("hex") };
}

const PAGE = 500;

async function collect<Item>(load: (start: { cursor?: string }) => Promise<Page<Item>>): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const page of listPages(load)) {
    const [damaged] = page.unreadable ?? [];
    if (damaged !== undefined) throw refuse(`"${damaged.id}" cannot be read: ${damaged.reason}. Repair it first.`);
    items.push(...page.items);
  }
  return items;
}

/** Lists all records in order of keys, without those that only running processes have. */
async function listRecords({ records }: Store, now: number): Promise<readonly StoredRecord[]> {
  const all = await collect((start) => records.list("", { limit: PAGE, now, ...start }));
  return all.filter(({ key }) => !isTransient(key));
}

function isTransient(key: string): boolean {
  return TRANSIENT.some((prefix) => key.startsWith(prefix));
}

/** Lists the ids of stacks, and of absent ones with parked events. */
async function listStackIds({ queries }: Store): Promise<readonly string[]> {
  const stacks = await collect((start) => queries.listStacks({}, { limit: PAGE, ...start }));
  const ids = new Set(stacks.map(({ stack }) => stack.id));
  let last: string | undefined;
  do {
    const found = await queries.listParkedStackIds({ limit: PAGE, ...defined({ after: last }) });
    for (const id of found) ids.add(id);
    last = found.at(-1);
  } while (last !== undefined);
  return [...ids].sort();
}

/** Lists what the store remembers; of each stack in the order of its events. */
async function listRemembered({ memory }: Store): Promise<readonly Remembered[]> {
  const all = await collect((start) => memory.list({ limit: PAGE, ...start }));
  const order = (entry: Remembered) => (entry.kind === "stack" ? 0 : entry.number);
  return [...all].sort((a, b) => (a.stackId < b.stackId ? -1 : a.stackId > b.stackId ? 1 : order(a) - order(b)));
}

/** Lists dead letters, oldest first. */
async function listDeadLetters({ queries }: Store): Promise<readonly DeadLetter[]> {
  return [...(await collect((start) => queries.listDeadLetters({}, { limit: PAGE, ...start })))].reverse();
}

async function listHistory({ queries }: Store): Promise<readonly StoredHistoryEntry[]> {
  return collect((start) => queries.listHistory({}, { limit: PAGE, ...start }));
}

async function listRevisionHashes({ queries, revisions }: Store, machines: readonly string[]) {
  const { states } = await queries.stats();
  const names = [...new Set([...machines, ...states.map(({ machine }) => machine)])].sort();
  const lists = names.map((name) => collect((start) => revisions.list(name, { limit: PAGE, ...start })));
  return [...new Set((await Promise.all(lists)).flat().map(({ hash }) => hash))].sort();
}

function toStackText(loaded: LoadedStack | undefined): string {
  return toText(loaded && [loaded.stack, loaded.parked]);
}

/** Formats a value with its keys in order, because stores may change it. */
function toText(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    return isMap(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part;
  });
  return text ?? "";
}
