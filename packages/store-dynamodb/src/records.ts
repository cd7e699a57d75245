import { randomUUID } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type ListedRevision, type Records, StackyardError, type Store } from "@stackyard/core";
import { type AuditEntry, type PendingEntry, toPendingKey, toSealedKey } from "@stackyard/core/access";
import {
  afterPrefix,
  comparePlaces,
  createPageBuilder,
  createRecords,
  type Page,
  type PageInput,
  type RecordRow,
  type RecordRows,
  type RecordWrite,
  type StackPlace,
  toRevisionOrder,
} from "@stackyard/core/engine";
import { createTable, fromItem, type Item, inParallel, type Table, takeRecordNumber, toItem } from "./database.ts";
import { toKeyPart, type WorkKey } from "./keys.ts";
import type { StoreContext } from "./store-context.ts";
import { tryRead } from "./work-rows.ts";

/** The maximum size of a sort key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const MAX_KEY_BYTES = 1024;

const PK = "record";

/** A key may be written so often in one life: versions of a later incarnation are above. */
const WRITES_A_LIFE = 1_000_000;

/**
 * Creates the rows of records in one part of the work table, so that they are listed in order. Those that expire also
 * have `ttl`, in seconds, for the table's time to live (developer guide, "Time to Live").
 */
export function createRecordRows({ work }: Pick<StoreContext, "work">): RecordRows {
  async function find(key: string): Promise<RecordRow | undefined> {
    const item = await work.get(toRecordKey(key));
    return item && toRow(item);
  }

  return {
    find,
    async write(write) {
      const { key, text, expected, expiresAt } = write;
      const place = toRecordKey(key);
      const version = expected === "absent" ? (await takeRecordNumber(work)) * WRITES_A_LIFE : expected + 1;
      const index =
        expiresAt === undefined ? {} : { sweepKey: "record", sweepAt: expiresAt, ttl: Math.ceil(expiresAt / 1_000) };
      const item = toItem({ ...place, version, value: { text }, expiresAt, ...index });
      if (await work.put(item, toCondition(write))) return { kind: "written", version };
      return { kind: "conflict", current: await find(key) };
    },
    remove(key, expected) {
      const expression = "attribute_not_exists(pk) OR version = :version";
      return work.remove(toRecordKey(key), { expression, values: { ":version": expected } });
    },
    async scan({ prefix, after, limit }, page) {
      const from = after || prefix;
      // No key is empty, and no condition may contain an empty one.
      const range = from === "" ? { part: PK } : { part: PK, from, to: afterPrefix(prefix) };
      // The range begins with the row of the page before.
      for await (const item of work.query({ ...range, pageSize: limit + 1 })) {
        const row = toRow(item);
        if (row.key !== after && !page.add(row)) break;
      }
      return undefined;
    },
  };
}

function toCondition({ expected, now }: RecordWrite) {
  const values = { ":now": now };
  if (expected === "absent") return { expression: "attribute_not_exists(pk) OR expiresAt <= :now", values };
  const expression = "version = :version AND (attribute_not_exists(expiresAt) OR expiresAt > :now)";
  return { expression, values: { ...values, ":version": expected } };
}

/** An entry that was relayed earlier is in the log of the yard, or was pruned from it. */
const RELAYED_WITHIN_MS = 400 * 86_400_000;

/**
 * Makes a record of an audit entry that a write has left behind. May be called again, by several processes at once,
 * also after the entry was sealed: then the mark that sealing leaves is there, and sealing itself ignores what comes
 * between the two.
 */
export async function relayAuditEntry(
  { work, clock }: Pick<StoreContext, "work" | "clock">,
  entry: AuditEntry,
  isNew: boolean,
): Promise<void> {
  if (!isNew && entry.at < clock.now() - RELAYED_WITHIN_MS) return;
  if (!isNew && (await work.get({ pk: PK, sk: toSealedKey(entry.id) })) !== undefined) return;
  const pending: PendingEntry = { ...entry, relayed: true };
  const item = toItem({ pk: PK, sk: toPendingKey(entry.id), version: 1, value: { text: JSON.stringify(pending) } });
  await work.put(item, { expression: "attribute_not_exists(pk)" });
}

function toRow(item: Item): RecordRow {
  const { sk, version, expiresAt } = item;
  const { item: text = "" } = tryRead(() => (fromItem(item)["value"] as { readonly text: string }).text);
  return { key: sk?.S ?? "", version: Number(version?.N), text, expiresAt: expiresAt && Number(expiresAt.N) };
}

/** Returns the key of a record's item. Throws `USAGE` for a key that no record in DynamoDB may have. */
function toRecordKey(key: string): WorkKey {
  if (Buffer.byteLength(key) <= MAX_KEY_BYTES) return { pk: PK, sk: key };
  throw new StackyardError("USAGE", `In DynamoDB a record's key has at most ${MAX_KEY_BYTES} bytes of UTF-8.`);
}

/** The maximum size of one item; a document has at most 256 KiB, but nothing here depends on it. */
const PART_BYTES = 300 * 1024;
const MOST_HASHES = 10;

/**
 * Creates the sources of machines by hash: writes parts first, then the hash in the list of its machine, then the item
 * with the number of parts. A process that crashes between the last two leaves a hash that `findHashes` looks up and
 * leaves out.
 */
export function createRevisions({ work }: StoreContext): Store["revisions"] {
  return {
    async put({ name, hash, source }, now) {
      if ((await work.get(toRevisionKey(hash, "head"))) !== undefined) return;
      const bytes = deflateRawSync(JSON.stringify({ name, hash, source, firstSeenAt: now }));
      const count = Math.ceil(bytes.byteLength / PART_BYTES);
      const parts = Array.from({ length: count }, (_, part) => part);
      await inParallel(parts, (part) => {
        const B = bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES);
        return work.put({ ...toItem({ ...toRevisionKey(hash, `part#${part}`) }), bytes: { B } });
      });
      await work.put(toItem({ pk: toRevisionsPart(name), sk: hash, at: now }));
      const head = toItem({ ...toRevisionKey(hash, "head"), parts: count });
      await work.put({ ...head, name: { S: name.toWellFormed() } });
    },
    async get(hash) {
      const head = await work.get(toRevisionKey(hash, "head"));
      if (head === undefined) return undefined;
      const numbers = Array.from({ length: Number(fromItem(head)["parts"]) }, (_, part) => part);
      const parts = await inParallel(numbers, (part) => work.get(toRevisionKey(hash, `part#${part}`)));
      const bytes = Buffer.concat(parts.map((part) => part?.["bytes"]?.B ?? new Uint8Array()));
      return JSON.parse(inflateRawSync(bytes).toString());
    },
    list: (name, page) => listRevisions(work, name, page),
    async findHashes(name, prefix) {
      const hashes: string[] = [];
      for await (const item of work.query({ part: toRevisionsPart(name), prefix, pageSize: MOST_HASHES })) {
        const hash = item["sk"]?.S ?? "";
        if ((await work.get(toRevisionKey(hash, "head"))) !== undefined) hashes.push(hash);
        if (hashes.length === MOST_HASHES) break;
      }
      return hashes;
    },
  };
}

/** Returns the key of `head`, or of a part of the source. */
function toRevisionKey(hash: string, sk: string): WorkKey {
  return { pk: `revision#${toKeyPart(hash)}`, sk };
}

/** Returns the partition of a machine's hashes. */
function toRevisionsPart(name: string): string {
  return `revisions#${toKeyPart(name)}`;
}

/** Reads the whole list of a machine: its entries are small. One whose revision was not written whole is left out. */
async function listRevisions(work: Table, name: string, page: PageInput): Promise<Page<ListedRevision>> {
  const order = toRevisionOrder(page);
  const places: StackPlace[] = [];
  for await (const item of work.query({ part: toRevisionsPart(name) })) {
    const place = { value: Number(item["at"]?.N ?? 0), id: item["sk"]?.S ?? "" };
    if (order.after === undefined || comparePlaces(order, place, order.after) > 0) places.push(place);
  }
  const first = places.sort((a, b) => comparePlaces(order, a, b)).slice(0, page.limit + 1);
  const heads = await inParallel(first, ({ id }) => work.get(toRevisionKey(id, "head")));
  const found = createPageBuilder<ListedRevision>(page);
  for (const [index, place] of first.entries()) {
    const { value: firstSeenAt, id } = place;
    const read = () => ({ name, hash: id, firstSeenAt });
    const row = { id, cursor: order.toCursor(place), bytes: Buffer.byteLength(id), read };
    if (heads[index] !== undefined && !found.add(row)) break;
  }
  const last = first.length > page.limit ? first.at(-1) : undefined;
  return found.end(last && order.toCursor(last));
}

/** Where records are. */
export interface DynamodbRecordsOptions {
  /** The caller closes it. */
  readonly client: DynamoDBClient;
  /** Its key is `pk` and `sk`, both strings. Its time to live, where it has one, is in `ttl`. No indexes are needed. */
  readonly table: string;
}

/**
 * Creates records in a table without a yard. Makes no request before the first read or write. Expired records are never
 * returned; the table's time to live deletes them.
 */
export function createDynamodbRecords({ client, table }: DynamodbRecordsOptions): Records {
  return createRecords(createRecordRows({ work: createTable(client, table, randomUUID) }));
}

/** Where records are, for callers that load this package only when they read them. */
export interface OpenDynamodbRecordsOptions extends Pick<DynamodbRecordsOptions, "table"> {
  /** Creates a client of the SDK, with the caller's credentials. */
  readonly createClient: (type: typeof DynamoDBClient) => DynamoDBClient;
}

/** Creates records in a table without a yard, as `createDynamodbRecords`, over a client that the caller creates. */
export function openDynamodbRecords({ table, createClient }: OpenDynamodbRecordsOptions): Records {
  return createDynamodbRecords({ client: createClient(DynamoDBClient), table });
}
