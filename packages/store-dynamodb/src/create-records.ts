import { type Records, StackyardError } from "@stackyard/core";
import { createPageBuilder, type Page, type StoredRecord } from "@stackyard/core/engine";
import { fromItem, type Item, toItem } from "./attributes.ts";
import { takeRecordNumber } from "./counters.ts";
import { fillPage, tryRead } from "./page.ts";
import type { PageInput, PutRecordInput, PutRecordResult } from "./port-types.ts";
import type { StoreContext } from "./store-context.ts";

const MAX_BYTES = 256 * 1024;
const MAX_KEY_LENGTH = 512;
/** Of a sort key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const MAX_KEY_BYTES = 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
const CONTROL = /[\u0000-\u001f\u007f]/;
const PK = "record";

/** A key may be written so often in one life: versions of a later life are above. */
const WRITES_A_LIFE = 1_000_000;

/** What records need of a store. */
type RecordsContext = Pick<StoreContext, "work">;

/**
 * Records in one part of the work table, so that they are listed in order. Those that expire say so in `ttl` too, in seconds,
 * as a table's time to live takes it (developer guide, "Time to Live").
 */
export function createRecords(context: RecordsContext): Records {
  const { work } = context;

  async function find(key: string): Promise<StoredRecord | undefined> {
    const item = await work.get({ pk: PK, sk: key });
    return item && toRecord(item);
  }

  return {
    async get(key, now) {
      checkKey(key);
      return unexpired(await find(key), now);
    },
    async put(input) {
      checkKey(input.key);
      const text = toText(input);
      const version = await findNextVersion(context, input);
      const { key, expiresAt, now } = input;
      const index =
        expiresAt === undefined ? {} : { sweepKey: "record", sweepAt: expiresAt, ttl: Math.ceil(expiresAt / 1_000) };
      const item = toItem({ pk: PK, sk: key, version, value: { text }, expiresAt, ...index });
      if (await work.put(item, toCondition(input))) {
        const record = { key, version, value: JSON.parse(text), ...(expiresAt === undefined ? {} : { expiresAt }) };
        return { kind: "written", record } satisfies PutRecordResult;
      }
      return { kind: "conflict", current: unexpired(await find(key), now) };
    },
    async remove(key, expected) {
      checkKey(key);
      const condition = {
        expression: "attribute_not_exists(pk) OR version = :version",
        values: { ":version": expected },
      };
      return work.remove({ pk: PK, sk: key }, condition);
    },
    list: (prefix, page) => list(context, prefix, page),
  };
}

async function findNextVersion({ work }: RecordsContext, { expected }: PutRecordInput): Promise<number> {
  if (expected !== "absent") return expected + 1;
  return (await takeRecordNumber(work)) * WRITES_A_LIFE;
}

function toCondition({ expected, now }: PutRecordInput) {
  const values = { ":now": now };
  if (expected === "absent") return { expression: "attribute_not_exists(pk) OR expiresAt <= :now", values };
  const expression = "version = :version AND (attribute_not_exists(expiresAt) OR expiresAt > :now)";
  return { expression, values: { ...values, ":version": expected } };
}

async function list(
  { work }: RecordsContext,
  prefix: string,
  page: PageInput & { readonly now: number },
): Promise<Page<StoredRecord>> {
  const { cursor = "", limit, now } = page;
  const from = cursor > prefix ? cursor : prefix;
  const values = { ":pk": PK, ":from": from, ":to": `${prefix}\u{10ffff}` };
  // No key is empty, and no condition may name an empty one.
  const condition =
    from === ""
      ? { expression: "pk = :pk", values: { ":pk": PK } }
      : { expression: "pk = :pk AND sk BETWEEN :from AND :to", values };
  async function* walk() {
    for await (const item of work.query({ condition, pageSize: limit + 2 })) {
      const isExpired = item["expiresAt"] !== undefined && Number(item["expiresAt"].N) <= now;
      const key = item["sk"]?.S ?? "";
      if (!isExpired && key !== cursor) yield { id: key, cursor: key, ...tryRead(() => toRecord(item)) };
    }
  }
  return fillPage(createPageBuilder<StoredRecord>(page), walk());
}

function unexpired(record: StoredRecord | undefined, now: number): StoredRecord | undefined {
  return record?.expiresAt !== undefined && record.expiresAt <= now ? undefined : record;
}

function toRecord(item: Item): StoredRecord {
  const { sk, version, value, expiresAt } = fromItem(item);
  const { text } = value as { readonly text: string };
  const record = { key: String(sk), version: Number(version), value: JSON.parse(text) };
  return expiresAt === undefined ? record : { ...record, expiresAt: Number(expiresAt) };
}

function checkKey(key: string): void {
  if (key.length === 0 || key.length > MAX_KEY_LENGTH || CONTROL.test(key)) {
    const message = `A record's key has 1 to ${MAX_KEY_LENGTH} characters, none of them control characters.`;
    throw new StackyardError("USAGE", message);
  }
  if (Buffer.byteLength(key) > MAX_KEY_BYTES || !key.isWellFormed()) {
    throw new StackyardError("USAGE", `In DynamoDB a record's key has at most ${MAX_KEY_BYTES} bytes of UTF-8.`);
  }
}

function toText({ key, value }: PutRecordInput): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new StackyardError("USAGE", `The value of the record "${key}" is not JSON.`);
  if (Buffer.byteLength(text) > MAX_BYTES) {
    const message = `The record "${key}" has more than ${MAX_BYTES} bytes. Keep a reference instead.`;
    throw new StackyardError("PAYLOAD_TOO_LARGE", message);
  }
  return text;
}
