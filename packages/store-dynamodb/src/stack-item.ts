import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { defined, type Stack, StackyardError } from "@stackyard/core";
import { parseStored } from "@stackyard/core/engine";
import { type Aggregate, EMPTY, findDueTimes, findNextDueAt } from "./aggregate.ts";
import type { Item } from "./database.ts";
import { MAX_ITEM_BYTES, packIds, sizeOfItem, toShard, toStackKey, unpackIds } from "./keys.ts";

// Values in the form of the predecessor's readers and writers: maps and lists are those of DynamoDB.

/** Converts a JSON value to an attribute. Texts are made well-formed: check `isNative` first where that matters. */
export function toNative(value: unknown): AttributeValue {
  if (typeof value === "string") return { S: value.toWellFormed() };
  if (typeof value === "number") return { N: String(value) };
  if (typeof value === "boolean") return { BOOL: value };
  if (value === null || value === undefined) return { NULL: true };
  if (Array.isArray(value)) return { L: value.map(toNative) };
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return { M: Object.fromEntries(members.map(([name, member]) => [name, toNative(member)])) };
}

/** Returns the JSON value of an attribute; undefined for sets and bytes. */
export function fromNative(value: AttributeValue | undefined): unknown {
  if (value === undefined) return undefined;
  if (value.N !== undefined) return Number(value.N);
  if (value.L !== undefined) return value.L.map(fromNative);
  if (value.M !== undefined)
    return Object.fromEntries(Object.entries(value.M).map(([name, member]) => [name, fromNative(member)]));
  return value.S ?? value.BOOL ?? (value.NULL === true ? null : undefined);
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
const LARGEST = 9.9e125;
const SMALLEST = 1e-130;

/** Returns true for a member of a map that DynamoDB returns unchanged. */
export function isNative(name: string, value: unknown): boolean {
  if (name === "" || !name.isWellFormed()) return false;
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "number") return true;
  const size = Math.abs(value);
  return !Object.is(value, -0) && (size === 0 || (size >= SMALLEST && size <= LARGEST));
}

/**
 * Text that rows contain often, the most frequent last. A row of some hundred bytes compresses to half only with such a
 * dictionary. Rows are unreadable under another one: change it only together with the name of the packed attribute.
 */
const DICTIONARY = Buffer.from(
  [
    '"code":"EVENT_NOT_HANDLED","reason":"","deliveries":0,"beside":"queuedFor":"progress":{"progressMessage":"',
    '"description":"","retryable":false,"outputs":{"dispatchId":"timer":"actor":"notes":[],"sent":[""],"masked":["password"]',
    '"origin":"external","origin":"worker","message":{"event":"TASK_COMPLETED","TASK_ERROR","receivedAt":17',
    '"cancel":{"why":"requested","withinMs":"cancelAt":"pollDueAt":17,"outcome":"failed","outcome":"succeeded","settledAt":17',
    '"hasLogRow":true,"deadlineHidden":{"at":17,"until":17,"timerHidden":"nextTryAt":17,"keptSecrets":{"secretVersions":{',
    '"outbox":[{"version":1,"now":17,"entry":1,"lines":[{"stackId":"","at":17,"eventId":"result:","event":"TASK_COMPLETED",',
    '"outcome":"applied","sent":["deploy"],"notes":[],"internal":true,"incarnation":"","from":"","to":"","task":"","machineHash":"',
    '"metadata":{"branch":"main"}}],"ended":[{"status":"settled","outcome":"succeeded","settledAt":17',
    '"machineHash":"","enteredAt":17,"incarnation":"","entry":1,"attempts":{"":1},"runs":[{"task":"","attempt":1,"attemptId":"","status":"RUNNING"',
    '"timers":[{"id":"1/after/0","event":"","dueAt":17}],"automaticEntries":[],"metadataOrder":["branch","url"],"stackVersion":',
    '"attempts":[{"attemptId":"/1/deploy/1","stackId":"","task":"deploy","timeoutMs":3600000,"status":"running","token":1,"deadlineAt":17',
    '"remainingMs":86400000,"isCancelTold":false,"heldKeys":[],"entry":1,"attempt":1,"executor":"terraform","lambda",',
    '"message":{"task":{"name":"","executor":""},"stack":{"id":"","previousState":"","machine":"","_state":"","tasks":[{"name":"',
    '"status":"PENDING"},{"name":"","status":"SATISFIED"}],"metadata":{},"createdAt":17,"updatedAt":17},"dispatch":{"id":"","attempt":1,',
    '"deadline":"2026-01-01T00:00:00.000Z","version":2,"entry":1}},"sequence":17,"dispatchedAt":17,"keys":[],"sentNo":1,',
    '"sent":{"no":1,"dueAt":17,"visibleAt":0,"deliveries":0}},"owner":"","leaseUntil":17',
  ].join(""),
);

/** Packs a value as compressed JSON. Undefined members are left out. */
export function pack(value: unknown): Uint8Array {
  return deflateRawSync(JSON.stringify(value), { dictionary: DICTIONARY, level: 9 });
}

/** Unpacks bytes of `pack`. `what` names it in an error. */
export function unpack(bytes: Uint8Array | undefined, what: string): unknown {
  try {
    return JSON.parse(inflateRawSync(bytes ?? new Uint8Array(), { dictionary: DICTIONARY }).toString());
  } catch (cause) {
    throw new StackyardError("STORE_CORRUPT", `${what} cannot be read: its packed part is damaged.`, { cause });
  }
}

/** The version of an item of the predecessor for callers: it has none. Ours begin at 2. */
export const TAKEN_OVER_VERSION = 1;

/**
 * The number of parts of the index over which stacks are spread; each part takes a thousand changes of entries a
 * second.
 */
export const STACK_SHARDS = 4;

/** The names of the record that the predecessor's readers use, each a separate attribute. */
const SHARED = ["id", "machine", "previousState", "tasks", "createdAt", "updatedAt"] as const;

/** The other fields of the stack in an item. */
interface OwnPart extends Omit<Stack, (typeof SHARED)[number] | "state" | "metadata"> {
  /** DynamoDB keeps no order of names. */
  readonly metadataOrder: readonly string[];
  /** Members that DynamoDB would not return unchanged. */
  readonly metadataOdd?: Stack["metadata"];
}

/** An aggregate without the parts that are separate attributes. */
type Content = Partial<Omit<Aggregate, "version" | "stack" | "ids" | "idCount">>;

/** The packed part of an item when the rest is stored in separate rows. */
interface Spill {
  readonly name: string;
  readonly parts: number;
}

interface Packed extends Content {
  /** The part of a stack's own item. */
  readonly own?: OwnPart;
  /** A stack that is about to have an item. */
  readonly stack?: Stack;
  readonly spill?: Spill;
}

/** An item to write, and the rows that must be written before it. */
export interface EncodedItem {
  readonly item: Item;
  readonly spill?: { readonly name: string; readonly parts: readonly Uint8Array[] };
}

/** The content of an item. `aggregate` lacks the rows of `spill`. */
export interface ParsedItem {
  readonly aggregate: Aggregate;
  readonly spill?: Spill | undefined;
  /** Its place in the index. */
  readonly dueAt?: number | undefined;
  readonly nonce: string;
}

/** The item of a stack. */
export interface ParsedStackItem extends ParsedItem {
  /**
   * `taken-over`: as the predecessor wrote it. `removed`: its stack has ended; the item goes when the shadow is
   * written.
   */
  readonly kind: "ours" | "taken-over" | "removed";
  /** The version that made the item, until the next write of it. */
  readonly bornAt?: number | undefined;
}

/** The fields of a stack's item in addition to its aggregate. */
export interface StackItemFacts {
  readonly bornAt?: number;
  readonly removed?: true;
  /** The present place in the index: it stays when it is early enough, since each change of it is two more writes. */
  readonly dueAt?: number | undefined;
}

/** Room for what an item gets on its way: its nonce. */
const MOST_BYTES = MAX_ITEM_BYTES - 100;
const PART_BYTES = 350 * 1024;

/** Converts a stack to its item. The predecessor's names keep their values. */
export function toStackItem(aggregate: Aggregate, stack: Stack, facts: StackItemFacts, spillName: string): EncodedItem {
  const { state, metadata, ...rest } = stack;
  const { id, machine, previousState, tasks, createdAt, updatedAt, ...own } = rest;
  const entries = Object.entries(metadata);
  const odd = entries.filter(([name, value]) => !isNative(name, value));
  const natives = Object.fromEntries(entries.filter(([name, value]) => isNative(name, value)));
  const shared = { id, machine, _state: state, previousState, tasks, metadata: natives, createdAt, updatedAt };
  const ownPart: OwnPart = {
    ...own,
    metadataOrder: Object.keys(metadata),
    ...(odd.length === 0 ? {} : { metadataOdd: Object.fromEntries(odd) }),
  };
  const { bornAt, removed } = facts;
  const dueAt = toIndexedAt(aggregate, facts.dueAt);
  const dueShard = dueAt === undefined ? undefined : toShard(id, STACK_SHARDS);
  const numbers = defined({ nextDueAt: dueAt, dueShard, bornAt });
  const base: Item = {
    ...Object.fromEntries(Object.entries(shared).map(([name, value]) => [name, toNative(value)])),
    ...toNumbers({ version: aggregate.version, ...numbers, ...countAll(aggregate) }),
    ...(aggregate.idCount === 0 ? {} : { ids: { B: packIds(aggregate.ids, aggregate.idCount) } }),
    ...(removed === true ? { removed: { BOOL: true } } : {}),
  };
  return encode(base, { own: ownPart }, toContent(aggregate), spillName);
}

/**
 * Returns the indexed instant: the old one if it is early enough, so that the index is written rarely. Otherwise the
 * first due instant.
 */
function toIndexedAt(aggregate: Aggregate, old: number | undefined): number | undefined {
  const at = findNextDueAt(findDueTimes(aggregate));
  return at === undefined || old === undefined ? at : Math.min(at, old);
}

/** Returns the counts for `stats` and lists, which do not unpack items. Omits zeros. */
function countAll({ events, attempts, parked }: Aggregate): Readonly<Record<string, number>> {
  const sent = attempts.filter((row) => row.sent !== undefined).length;
  const counts = { queued: events.length, sent, parked: parked.length, open: attempts.length };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function toNumbers(values: Readonly<Record<string, number>>): Item {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { N: String(value) }]));
}

/** Returns the content without default values. */
function toContent(aggregate: Aggregate): Content {
  const { version: _, stack: __, ids: ___, idCount: ____, ...content } = aggregate;
  const kept = Object.entries(content).filter(
    ([, value]) => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(kept);
}

function encode(base: Item, head: Packed, tail: Content, spillName: string): EncodedItem {
  const item = { ...base, stackyard: { B: pack({ ...head, ...tail }) } };
  if (sizeOfItem(item) <= MOST_BYTES) return { item };
  const bytes = pack(tail);
  const count = Math.ceil(bytes.byteLength / PART_BYTES);
  const parts = Array.from({ length: count }, (_, part) => bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES));
  const spill: Spill = { name: spillName, parts: count };
  return { item: { ...base, stackyard: { B: pack({ ...head, spill }) } }, spill: { name: spillName, parts } };
}

/** Joins the separate rows of an item with the item. */
export function joinSpill(parsed: ParsedItem, parts: readonly (Uint8Array | undefined)[]): Aggregate {
  const bytes = Buffer.concat(parts.map((part) => part ?? new Uint8Array()));
  return { ...parsed.aggregate, ...(unpack(bytes, "A separate row of an item") as Content) };
}

/** Parses an item: ours, or one of the predecessor. Throws `STORE_CORRUPT` with id and reason. */
export function parseStackItem(item: Item): ParsedStackItem {
  if (item["version"]?.N === undefined || item["stackyard"] === undefined) {
    const stack = parsePredecessor(item);
    return { kind: "taken-over", nonce: "", aggregate: { ...EMPTY, stack, stackVersion: 1, version: 1 } };
  }
  const { id, machine, previousState, tasks, metadata, createdAt, updatedAt, _state } = item;
  const parsed = parsePacked(item, `The item of the stack ${JSON.stringify(id?.S ?? "")}`);
  const shared = { id, machine, previousState, tasks, createdAt, updatedAt, state: _state };
  const natives = Object.fromEntries(Object.entries(shared).map(([name, value]) => [name, fromNative(value)]));
  const { metadataOrder, metadataOdd, ...own } = parsed.own ?? { metadataOrder: [] };
  const values = { ...(fromNative(metadata) as Stack["metadata"]), ...metadataOdd };
  // Written by `toStackItem`.
  const stack = { ...own, ...natives, metadata: inOrder(values, metadataOrder) } as Stack;
  const isRemoved = item["removed"] !== undefined;
  return {
    kind: isRemoved ? "removed" : "ours",
    spill: parsed.spill,
    dueAt: readNumber(item, "nextDueAt"),
    bornAt: readNumber(item, "bornAt"),
    nonce: item["nonce"]?.S ?? "",
    aggregate: { ...parsed.aggregate, ...(isRemoved ? {} : { stack }) },
  };
}

function parsePacked(item: Item, what: string) {
  // Only what `encode` has packed is under that name.
  const { own, stack, spill, ...content } = unpack(item["stackyard"]?.B, what) as Packed;
  const { ids, count } = unpackIds(item["ids"]?.B);
  const version = readNumber(item, "version") ?? 0;
  const aggregate: Aggregate = { ...EMPTY, ...content, version, ids, idCount: count };
  return { own, stack, spill, aggregate };
}

/** Reads a number of an item; undefined when it is missing. */
export function readNumber(item: Item, name: string): number | undefined {
  const text = item[name]?.N;
  return text === undefined ? undefined : Number(text);
}

/**
 * The row of a stack id in the work table. `none`: contains everything, because the stack does not exist. `born`:
 * contains everything, while the stack's item is being created. `live`: empty, because the stack's item contains it;
 * the row lets a late writer detect that its item belongs to an earlier incarnation.
 */
export interface ParsedShadow extends ParsedItem {
  readonly kind: "none" | "born" | "live";
  readonly stackId: string;
}

/** Returns the key of a shadow. */
export function toShadowKey(stackId: string) {
  return toStackKey(stackId, "shadow");
}

/** Converts an aggregate to a shadow's row. A stack is in it as a whole. */
export function toShadowItem(
  kind: ParsedShadow["kind"],
  stackId: string,
  aggregate: Aggregate,
  spillName: string,
): EncodedItem {
  const { pk, sk } = toShadowKey(stackId);
  const dueAt = kind === "live" ? undefined : findNextDueAt(findDueTimes(aggregate));
  const oldest = kind === "none" ? aggregate.ids[0]?.[1] : undefined;
  const at = dueAt ?? oldest;
  const base: Item = {
    pk: { S: pk },
    sk: { S: sk },
    // An id that is not well-formed text survives in JSON only.
    of: { B: pack(stackId) },
    kind: { S: kind },
    ...toNumbers({ version: aggregate.version, ...defined({ sweepAt: at }) }),
    ...(at === undefined ? {} : { sweepKey: { S: toSweepKey(dueAt, aggregate.ids.length) } }),
    ...(kind === "live" ? {} : toNumbers(countAll(aggregate))),
    ...(aggregate.idCount === 0 ? {} : { ids: { B: packIds(aggregate.ids, aggregate.idCount) } }),
  };
  const { stack } = aggregate;
  return encode(base, defined({ stack }), toContent(aggregate), spillName);
}

/**
 * Where the sweep finds a row: `shadow` has due work, of a `tombstone` ids can be pruned, and `gone` has its last id: it
 * is kept until the row is forgotten, as the instant of the removal.
 */
function toSweepKey(dueAt: number | undefined, ids: number): "shadow" | "tombstone" | "gone" {
  if (dueAt !== undefined) return "shadow";
  return ids > 1 ? "tombstone" : "gone";
}

/** Returns the stack of a row, or of its entry in an index. */
export function readShadowId(item: Item): string {
  return String(unpack(item["of"]?.B, "A row of an absent stack"));
}

/** Parses a row of `toShadowItem`. */
export function parseShadowItem(item: Item): ParsedShadow {
  const stackId = readShadowId(item);
  const { stack, spill, aggregate } = parsePacked(item, `The row of the absent stack ${JSON.stringify(stackId)}`);
  // Written by `toShadowItem`.
  const kind = item["kind"]?.S as ParsedShadow["kind"];
  const dueAt = readNumber(item, "sweepAt");
  return { kind, stackId, spill, dueAt, nonce: item["nonce"]?.S ?? "", aggregate: { ...aggregate, stack } };
}

/** The place of an aggregate, and the condition of its next write. */
export type Place =
  | { readonly kind: "live"; readonly nonce: string; readonly dueAt: number | undefined }
  /** As the predecessor wrote it; what we keep of it is in the shadow. */
  | { readonly kind: "taken-over"; readonly shadow: ParsedShadow | undefined }
  | { readonly kind: "shadow"; readonly shadow: ParsedShadow | undefined };

/** An aggregate as it was read. */
export interface LoadedStack {
  readonly aggregate: Aggregate;
  readonly place: Place;
  /** Separate rows of the item, which its next write replaces. */
  readonly spill?: ParsedItem["spill"];
}

/** Returns values in order. Names that were added by hand come last. */
function inOrder(values: Stack["metadata"], order: readonly string[]): Stack["metadata"] {
  const known = order.filter((name) => Object.hasOwn(values, name));
  const others = Object.keys(values).filter((name) => !known.includes(name));
  return Object.fromEntries([...known, ...others].map((name) => [name, values[name] ?? null]));
}

function parsePredecessor(item: Item): Stack {
  const value = Object.fromEntries(Object.entries(item).map(([name, attribute]) => [name, fromNative(attribute)]));
  const read = parseStored.predecessorStack(value);
  if (read.kind === "stack") return read.stack;
  const { reason } = read;
  const message = `The item of the stack ${JSON.stringify(value["id"])} cannot be read: ${reason} Correct or delete it.`;
  throw new StackyardError("STORE_CORRUPT", message, { details: { stackId: value["id"], reason } });
}
