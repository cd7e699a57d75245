import { createHash } from "node:crypto";
import { type Clock, type Records, StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const UploadValue = Type.Object({
  key: Type.String(),
  versionId: Type.Union([Type.String(), Type.Null()]),
  /** Nobody else works on it until then, in epoch milliseconds. */
  takenUntil: Type.Integer(),
  /** Of the object that the digests are of; null: none was taken. */
  etag: Type.Union([Type.String(), Type.Null()]),
  /** SHA-256 of finished parts, base64: 2,000 of them fit into a record. */
  parts: Type.Array(Type.String()),
  /** Of the digest of the whole, after those parts. */
  state: Type.Union([Type.String(), Type.Null()]),
});
type UploadValue = Static<typeof UploadValue>;
const compiled = Compile(UploadValue);

/** What is known of an object so far. */
export type UploadProgress = Pick<UploadValue, "etag" | "parts" | "state">;

/** An upload that is not published yet, held by this process. */
export interface UploadEntry extends UploadValue {
  readonly recordKey: string;
  readonly recordVersion: number;
}

/** Uploads that must become artifacts, whoever dies. */
export interface UploadWork {
  /** Undefined while somebody else works on it. */
  take(upload: { readonly key: string; readonly versionId?: string }): Promise<UploadEntry | undefined>;
  /** Undefined when somebody else has taken it. */
  save(entry: UploadEntry, progress: UploadProgress): Promise<UploadEntry | undefined>;
  /** Somebody else may go on. */
  release(entry: UploadEntry): Promise<void>;
  remove(entry: UploadEntry): Promise<void>;
  /** Uploads that nobody works on; at most 100. */
  listFree(): Promise<readonly { readonly key: string; readonly versionId?: string }[]>;
}

const PREFIX = "upload/";
/** Longer than a part takes: a function lives for a quarter of an hour. */
const TAKEN_MS = 15 * 60_000;
const PAGE = 100;

/** Kept in records. */
export function createUploadWork(records: Records, clock: Clock): UploadWork {
  async function write(value: UploadValue, recordKey: string, expected: number | "absent") {
    return records.put({ key: recordKey, value, expected, now: clock.now() });
  }

  async function change(entry: UploadEntry, over: Partial<UploadValue>): Promise<UploadEntry | undefined> {
    const { recordKey, recordVersion, ...value } = entry;
    const put = await write({ ...value, ...over }, recordKey, recordVersion);
    return put.kind === "written" ? toEntry(put.record) : undefined;
  }

  return {
    async take({ key, versionId }) {
      const takenUntil = clock.now() + TAKEN_MS;
      const fresh = { key, versionId: versionId ?? null, takenUntil, etag: null, parts: [], state: null };
      const put = await write(fresh, toRecordKey(key, versionId), "absent");
      if (put.kind === "written") return toEntry(put.record);
      if (put.current === undefined) return undefined;
      const entry = toEntry(put.current);
      return entry.takenUntil > clock.now() ? undefined : change(entry, { takenUntil });
    },
    save: (entry, progress) => change(entry, { ...progress, takenUntil: clock.now() + TAKEN_MS }),
    async release(entry) {
      await change(entry, { takenUntil: clock.now() });
    },
    async remove({ recordKey, recordVersion }) {
      await records.remove(recordKey, recordVersion);
    },
    async listFree() {
      const { items } = await records.list(PREFIX, { limit: PAGE, now: clock.now() });
      const free = items.map(toEntry).filter(({ takenUntil }) => takenUntil <= clock.now());
      return free.map(({ key, versionId }) => ({ key, ...(versionId === null ? {} : { versionId }) }));
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

function toEntry(record: { readonly key: string; readonly version: number; readonly value: unknown }): UploadEntry {
  const { key: recordKey, version: recordVersion, value } = record;
  if (compiled.Check(value)) return { ...value, recordKey, recordVersion };
  throw new StackyardError("STORE_CORRUPT", `The record ${recordKey} is no upload.`);
}
