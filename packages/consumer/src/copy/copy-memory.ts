import { hash } from "node:crypto";
import { type Clock, listPages, type Records } from "@stackyard/core";
import { defineRecordKind, type RecordsDeps, type RecordVersion } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { CopyStop, type CountedCode } from "./artifact-source.ts";

import type { TargetBucket } from "./target-bucket.ts";

/** The record of one copy. */
interface CopyRecord {
  /** The progress that was read or saved last. */
  readonly progress: CopyProgress | undefined;
  /** Returns false when another process has changed the record. */
  save(progress: Omit<CopyProgress, "key" | "savedAt">): Promise<boolean>;
  /** Removes the record. Does nothing when it is missing or was changed by another process. */
  forget(): Promise<void>;
}

/** Stores the progress of copies for their next attempt. */
export interface CopyMemory {
  /** Opens the record of a key. `sha256`: digest of the source file; undefined when unknown. */
  open(key: string, sha256: string | undefined): Promise<CopyRecord>;
  /** Lists the copies that were saved last before an instant. */
  listIdle(savedBefore: number): AsyncIterable<CopyRecord>;
}

/** Stores progress in records. Each write names the version that it follows, so concurrent writers conflict. */
export function createCopyMemory(records: Records, clock: Pick<Clock, "now">): CopyMemory {
  const deps = { records, clock };
  async function* listIdle(savedBefore: number): AsyncGenerator<CopyRecord> {
    for await (const page of listPages((start) => copies.listNamed(deps, { limit: PAGE, ...start }))) {
      for (const { name, value, version } of page.items)
        if (value.savedAt < savedBefore) yield createRecord(deps, { name, key: value.key, version, progress: value });
    }
  }
  return {
    async open(key, sha256 = "") {
      const name = hash("sha256", `${key}\0${sha256}`);
      const { value: progress, version } = await copies.load(deps, name);
      return createRecord(deps, { name, key, version, progress });
    },
    listIdle,
  };
}

const PAGE = 100;

interface Found {
  readonly name: string;
  readonly key: string;
  readonly version: RecordVersion;
  readonly progress: CopyProgress | undefined;
}

function createRecord(deps: RecordsDeps, { name, key, ...found }: Found): CopyRecord {
  let { version, progress } = found;
  return {
    get progress() {
      return progress;
    },
    async save(next) {
      const value: CopyProgress = { ...next, key, savedAt: deps.clock.now() };
      const saved = await copies.replace(deps, { name, version }, { value });
      if (saved === undefined) return false;
      version = saved;
      progress = value;
      return true;
    },
    async forget() {
      await copies.replace(deps, { name, version }, "remove");
      version = "absent";
      progress = undefined;
    },
  };
}

/** The progress of one copy, saved so that the next attempt continues there. */
export interface CopyLedger {
  readonly counts: FaultCounts;
  /** The unfinished upload, of this or an earlier attempt. */
  readonly upload: Pick<BegunUpload, "id" | "plan"> | undefined;
  /** Bytes of the parts that this attempt uploaded. */
  readonly newBytes: number;
  /** Returns the ETag of an uploaded part. */
  findEtag(number: number): string | undefined;
  /** Records a new upload. Like `add`, throws a `CopyStop` when another process works on the same copy. */
  begin(upload: Pick<BegunUpload, "id" | "plan">): Promise<void>;
  add(number: number, etag: string, size: number): Promise<void>;
  /** Forgets the upload. */
  drop(): void;
  /** Saves the progress if possible. Never throws. Returns the attempts in a row without progress. */
  close(counts: FaultCounts, stalled: boolean): Promise<number>;
  forget(): Promise<void>;
}

/** Parts can be as small as 5 MiB, so a save per part would cost more than it protects. */
const SAVE_EVERY_BYTES = 64 * 1_024 ** 2;

/** Creates the ledger of a copy. */
export function createCopyLedger(record: CopyRecord): CopyLedger {
  const { counts = {}, stalls = 0 } = record.progress ?? {};
  let upload = record.progress?.upload;
  let newBytes = 0;
  let unsaved = 0;
  let isLost = false;
  let saving: Promise<unknown> = Promise.resolve();

  // Writes are serialized: each names the version of the previous one.
  function save(next: { readonly stalls: number; readonly counts: FaultCounts }): Promise<void> {
    const saved = saving.then(async () => {
      const isSaved = !isLost && (await record.save({ ...next, ...(upload && { upload }) }));
      isLost ||= !isSaved;
      if (!isSaved)
        throw new CopyStop({ kind: "passing", code: "COPY_BUSY", reason: "Another delivery copies the same file." });
    });
    saving = saved.catch(() => undefined);
    return saved;
  }

  return {
    counts,
    get upload() {
      return upload;
    },
    get newBytes() {
      return newBytes;
    },
    findEtag: (number) => unpackEtag(upload?.etags[number - 1] ?? "") || undefined,
    begin(begun) {
      upload = { ...begun, etags: [] };
      return save({ stalls, counts });
    },
    async add(number, etag, size) {
      if (upload === undefined) return;
      const { etags, ...rest } = upload;
      const filled = [...etags, ...Array.from({ length: Math.max(0, number - etags.length) }, () => "")];
      upload = { ...rest, etags: filled.with(number - 1, packEtag(etag)) };
      newBytes += size;
      unsaved += size;
      if (unsaved < SAVE_EVERY_BYTES) return;
      unsaved = 0;
      await save({ stalls: 0, counts });
    },
    drop() {
      upload = undefined;
    },
    async close(next, stalled) {
      const count = newBytes > 0 ? 0 : stalls + (stalled ? 1 : 0);
      // A lost count only allows one more attempt; with a concurrent delivery, that one saves it.
      await save({ stalls: count, counts: next }).catch(() => undefined);
      return count;
    },
    forget: () => record.forget(),
  };
}

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** The saved progress of an unfinished copy. */
const CopyProgress = Type.Object({
  key: Type.String({ minLength: 1, maxLength: 1_024 }),
  /** Epoch milliseconds. */
  savedAt: count,
  /** Attempts in a row without progress. */
  stalls: count,
  /** Number of faults by code. */
  counts: Type.Record(Type.String(), count),
  upload: Type.Optional(
    Type.Object({
      id: Type.String({ minLength: 1, maxLength: 2_048 }),
      /** Digest of the part plan; empty when the upload cannot be resumed. */
      plan: Type.String({ maxLength: 64 }),
      /** Packed ETags in part order; empty for parts that are not uploaded. */
      etags: Type.Array(Type.String({ maxLength: 256 }), { maxItems: 10_000 }),
    }),
  ),
});
type CopyProgress = Static<typeof CopyProgress>;

/** An unfinished upload. */
type BegunUpload = NonNullable<CopyProgress["upload"]>;

const copies = defineRecordKind({
  prefix: "copy/",
  value: CopyProgress,
  holds: "the progress of copies that a consumer has not ended",
  kept: "until the copy has ended, or a day after its last progress",
  damaged: "missing",
});

/** Packs an ETag: 10,000 ETags in hex exceed the size of a record; in base64 they fit. */
export function packEtag(etag: string): string {
  const [, hex] = /^"([0-9a-f]{32})"$/.exec(etag) ?? [];
  return hex === undefined ? etag : Buffer.from(hex, "hex").toString("base64url");
}

/** Restores the ETag as S3 returned it. */
export function unpackEtag(packed: string): string {
  if (!/^[A-Za-z0-9_-]{22}$/.test(packed)) return packed;
  return `"${Buffer.from(packed, "base64url").toString("hex")}"`;
}

/** Dependencies of a sweep. */
interface SweepDeps {
  readonly memory: CopyMemory;
  readonly target: Pick<TargetBucket, "abort">;
  readonly clock: Pick<Clock, "now">;
}

const IDLE_MS = 24 * 60 * 60_000;

/**
 * Aborts the uploads of copies without progress for a day and deletes their records. Other uploads, which an adopted bucket
 * can contain, are not touched. Returns the number of aborted uploads.
 */
export async function sweepUploads({ memory, target, clock }: SweepDeps): Promise<number> {
  let count = 0;
  for await (const record of memory.listIdle(clock.now() - IDLE_MS)) {
    const { key = "", upload } = record.progress ?? {};
    if (upload !== undefined && !(await target.abort({ key, id: upload.id }))) continue;
    count += upload === undefined ? 0 : 1;
    await record.forget();
  }
  return count;
}

/** Number of occurrences of each counted fault since the last successful copy. */
export type FaultCounts = Readonly<Partial<Record<CountedCode, number>>>;
