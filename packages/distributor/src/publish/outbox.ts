import { createHash } from "node:crypto";
import { type Clock, type Records, StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const OutboxValue = Type.Object({
  key: Type.String(),
  versionId: Type.Union([Type.String(), Type.Null()]),
  /** Nobody else works on it until then, in epoch milliseconds. */
  takenUntil: Type.Integer(),
  /** So many of the version's files were announced to everybody. */
  announced: Type.Integer({ minimum: 0 }),
});
const compiled = Compile(OutboxValue);

/** A manifest that appeared and is not announced to the end, held by this process. */
export interface OutboxEntry extends Static<typeof OutboxValue> {
  readonly recordKey: string;
  readonly recordVersion: number;
}

/** What appeared and must be finished, whoever dies. */
export interface Outbox {
  /** Undefined while somebody else works on it. */
  take(manifest: { readonly key: string; readonly versionId?: string }): Promise<OutboxEntry | undefined>;
  /** Keeps the progress, and the entry for some more time; undefined when somebody else has taken it. */
  save(entry: OutboxEntry, announced: number): Promise<OutboxEntry | undefined>;
  /** Lets somebody else go on at once. */
  release(entry: OutboxEntry): Promise<void>;
  /** It is finished. */
  remove(entry: OutboxEntry): Promise<void>;
  /** What nobody works on, a page at a time. */
  listFree(
    cursor: string | undefined,
  ): Promise<{ readonly free: readonly Free[]; readonly busy: number; readonly cursor?: string }>;
}

/** An entry that can be taken. */
export interface Free {
  readonly key: string;
  readonly versionId?: string;
}

const PREFIX = "outbox/";
/** Longer than the longest silence of somebody at work: a hundred messages at the pace of a consumer, and their retries. */
const TAKEN_MS = 120_000;
const PAGE = 100;

/** The outbox in records. */
export function createOutbox(records: Records, clock: Clock): Outbox {
  async function write(value: Static<typeof OutboxValue>, recordKey: string, expected: number | "absent") {
    return records.put({ key: recordKey, value, expected, now: clock.now() });
  }

  async function change(entry: OutboxEntry, over: Partial<Static<typeof OutboxValue>>) {
    const { recordKey, recordVersion, ...value } = entry;
    const put = await write({ ...value, ...over }, recordKey, recordVersion);
    return put.kind === "written" ? toEntry(put.record) : undefined;
  }

  return {
    async take({ key, versionId }) {
      const takenUntil = clock.now() + TAKEN_MS;
      const put = await write(
        { key, versionId: versionId ?? null, takenUntil, announced: 0 },
        toRecordKey(key, versionId),
        "absent",
      );
      if (put.kind === "written") return toEntry(put.record);
      if (put.current === undefined) return undefined;
      const entry = toEntry(put.current);
      return entry.takenUntil > clock.now() ? undefined : change(entry, { takenUntil });
    },
    save: (entry, announced) => change(entry, { announced, takenUntil: clock.now() + TAKEN_MS }),
    async release(entry) {
      await change(entry, { takenUntil: clock.now() });
    },
    async remove({ recordKey, recordVersion }) {
      await records.remove(recordKey, recordVersion);
    },
    async listFree(cursor) {
      const page = await records.list(PREFIX, { limit: PAGE, now: clock.now(), ...(cursor && { cursor }) });
      const entries = page.items.map(toEntry);
      const free = entries.filter(({ takenUntil }) => takenUntil <= clock.now()).map(toFree);
      return { free, busy: entries.length - free.length, ...(page.cursor && { cursor: page.cursor }) };
    },
  };
}

function toRecordKey(key: string, versionId: string | undefined): string {
  return (
    PREFIX +
    createHash("sha256")
      .update(`${key}\0${versionId ?? ""}`)
      .digest("hex")
  );
}

function toEntry(record: { readonly key: string; readonly version: number; readonly value: unknown }): OutboxEntry {
  const { key: recordKey, version: recordVersion, value } = record;
  if (compiled.Check(value)) return { ...value, recordKey, recordVersion };
  throw new StackyardError("STORE_CORRUPT", `The record ${recordKey} is no entry of the outbox.`);
}

function toFree({ key, versionId }: OutboxEntry): Free {
  return { key, ...(versionId === null ? {} : { versionId }) };
}
