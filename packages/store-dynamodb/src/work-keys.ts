import { createHash } from "node:crypto";

/** The primary key of an item of the work table. */
export interface WorkKey {
  readonly pk: string;
  readonly sk: string;
}

// A partition key has at most 2,048 bytes, a sort key 1,024.
const MAX_PART_BYTES = 800;

/** An id as part of a key: as it is, or its hash where it is too long or no text that UTF-8 can hold. */
export function toKeyPart(id: string): string {
  if (id.isWellFormed() && Buffer.byteLength(id) <= MAX_PART_BYTES) return id;
  return `sha256:${createHash("sha256").update(id, "utf16le").digest("hex")}`;
}

/** One of so many shards, by FNV-1a: the same for every process. */
export function toShard(id: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(id)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % shards;
}

/** A number as text that sorts as the number does. */
export function toSortable(value: number): string {
  return String(value).padStart(16, "0");
}

/** Everything of one stack besides its item: its tombstone, ids, parked events and history. */
export function toStackKey(stackId: string, sk: string): WorkKey {
  return { pk: `stack#${toKeyPart(stackId)}`, sk };
}
