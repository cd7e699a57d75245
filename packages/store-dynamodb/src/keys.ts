import { createHash } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { type Item, type Table, toItem } from "./database.ts";

/** The primary key of an item of the work table. */
export interface WorkKey {
  readonly pk: string;
  readonly sk: string;
}

// A partition key has at most 2,048 bytes, a sort key 1,024.
const MAX_PART_BYTES = 800;

/** Converts an id to part of a key: unchanged, or hashed if it is too long or not valid UTF-8. */
export function toKeyPart(id: string): string {
  if (id.isWellFormed() && Buffer.byteLength(id) <= MAX_PART_BYTES) return id;
  return `sha256:${createHash("sha256").update(id, "utf16le").digest("hex")}`;
}

/** Returns one of `shards` shards, by FNV-1a: the same for every process. */
export function toShard(id: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(id)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % shards;
}

/** Formats a number as text that sorts as the number does. */
export function toSortable(value: number): string {
  return String(value).padStart(16, "0");
}

/** Returns the key of a stack's row in addition to its item: its tombstone, ids, parked events and history. */
export function toStackKey(stackId: string, sk: string): WorkKey {
  return { pk: `stack#${toKeyPart(stackId)}`, sk };
}

/** The hash of the key of an applied event (`toEventKey`), and when it was applied. */
type AppliedId = readonly [hash: string, at: number];

/** The applied events that an aggregate remembers. */
export interface KnownIds {
  /** The newest ones, oldest first. */
  readonly ids: readonly AppliedId[];
  /** All that were ever applied. */
  readonly idCount: number;
  /** Some have left the item for rows of the work table. */
  readonly idsMoved: boolean;
}

/** Where ids are that have left their item. */
interface WorkTable {
  readonly work: Table;
}

/** The newest ids stay in the item. When there are more than the most, all others leave it together, as one row. */
const IDS_KEPT = 8;
const IDS_MOST = 24;

// An id is 12 bytes of its SHA-256 and 6 of its instant; six bytes of the count come before all.
const HASH_BYTES = 12;
const TIME_BYTES = 6;
const ENTRY_BYTES = HASH_BYTES + TIME_BYTES;

/** Ids that leave an item; `first`: the number of the first one, as all ids of the stack are counted. */
interface MovedIds {
  readonly first: number;
  readonly ids: readonly AppliedId[];
}

/** Returns the hash under which an id is remembered. */
export function toIdHash(id: string): string {
  return createHash("sha256").update(id, "utf16le").digest().subarray(0, HASH_BYTES).toString("base64url");
}

/** Adds keys of applied events, and returns the ids that leave the item. Pure. */
export function addIds<A extends KnownIds>(
  aggregate: A,
  applied: readonly { readonly key: string; readonly at: number }[],
): { readonly aggregate: A; readonly moved: MovedIds | undefined } {
  if (applied.length === 0) return { aggregate, moved: undefined };
  const all: readonly AppliedId[] = [...aggregate.ids, ...applied.map(({ key, at }) => [toIdHash(key), at] as const)];
  const idCount = aggregate.idCount + applied.length;
  if (all.length <= IDS_MOST) return { aggregate: { ...aggregate, ids: all, idCount }, moved: undefined };
  const moved = { first: idCount - all.length + 1, ids: all.slice(0, -IDS_KEPT) };
  return { aggregate: { ...aggregate, ids: all.slice(-IDS_KEPT), idCount, idsMoved: true }, moved };
}

/** Encodes ids as bytes. */
export function packIds(ids: readonly AppliedId[], count: number): Buffer {
  const bytes = Buffer.alloc(TIME_BYTES + ids.length * ENTRY_BYTES);
  bytes.writeUIntBE(count, 0, TIME_BYTES);
  for (const [index, [hash, at]] of ids.entries()) {
    const start = TIME_BYTES + index * ENTRY_BYTES;
    bytes.set(Buffer.from(hash, "base64url"), start);
    bytes.writeUIntBE(Math.max(0, at), start + HASH_BYTES, TIME_BYTES);
  }
  return bytes;
}

/** Decodes bytes of `packIds`. */
export function unpackIds(packed: Uint8Array | undefined): {
  readonly ids: readonly AppliedId[];
  readonly count: number;
} {
  if (packed === undefined) return { ids: [], count: 0 };
  const bytes = Buffer.from(packed);
  const ids: AppliedId[] = [];
  for (let start = TIME_BYTES; start + ENTRY_BYTES <= bytes.length; start += ENTRY_BYTES) {
    const hash = bytes.subarray(start, start + HASH_BYTES).toString("base64url");
    ids.push([hash, bytes.readUIntBE(start + HASH_BYTES, TIME_BYTES)]);
  }
  return { ids, count: bytes.readUIntBE(0, TIME_BYTES) };
}

/** Writes ids that leave an item, before they leave it: at no instant are they in neither. */
export async function writeMovedIds({ work }: WorkTable, stackId: string, { first, ids }: MovedIds): Promise<void> {
  const { pk, sk } = toStackKey(stackId, `ids#${toSortable(first)}`);
  const at = ids[0]?.[1] ?? 0;
  await work.put({ ...toItem({ pk, sk, stackId, sweepKey: "ids", sweepAt: at }), ids: { B: packIds(ids, first) } });
}

/** Returns those of the ids that the stack has applied. Reads older ids only when there are any. */
export async function findKnownIds(
  { work }: WorkTable,
  stackId: string,
  { ids, idsMoved }: Pick<KnownIds, "ids" | "idsMoved">,
  asked: readonly string[],
): Promise<readonly string[]> {
  const unique = [...new Set(asked)];
  const known = new Set(ids.map(([hash]) => hash));
  const hashes = new Map(unique.map((id) => [id, toIdHash(id)]));
  const isKnown = (id: string) => known.has(hashes.get(id) ?? "");
  if (idsMoved && unique.some((id) => !isKnown(id))) {
    const { pk: part, sk: prefix } = toStackKey(stackId, "ids#");
    for await (const { ids: packed } of work.query({ part, prefix })) {
      for (const [hash] of unpackIds(packed?.B).ids) known.add(hash);
    }
  }
  return unique.filter(isKnown);
}

/**
 * The maximum size of an item: 400 KB, names and values together.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
export const MAX_ITEM_BYTES = 400 * 1024;

/**
 * Returns the size of an item as DynamoDB counts it, never less.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function sizeOfItem(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOf(value), 0);
}

// A number takes about a byte for two digits, and one; a map or a list three, and one for each member.
function sizeOf(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.min(21, value.N.length + 2);
  if (value.B !== undefined) return value.B.byteLength;
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + sizeOfItem(value.M);
  if (value.L !== undefined) return value.L.reduce((sum, member) => sum + 1 + sizeOf(member), 3);
  return 1;
}
