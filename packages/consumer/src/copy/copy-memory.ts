import { createHash } from "node:crypto";
import type { Clock, Records } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { CopyStop, type CountedCode } from "./artifact-source.ts";

import type { TargetBucket } from "./target-bucket.ts";

/** What is kept of one copy, by whoever opened it. */
interface CopyRecord {
  /** As it was found, or as it was saved last. */
  readonly progress: CopyProgress | undefined;
  /** False: somebody else has written since. */
  save(progress: Omit<CopyProgress, "key" | "savedAt">): Promise<boolean>;
  /** Also fine where it is gone, or somebody else's by now. */
  forget(): Promise<void>;
}

/** What copies leave for their next attempt. */
export interface CopyMemory {
  /** `sha256`: of the source; undefined where it is not known. */
  open(key: string, sha256: string | undefined): Promise<CopyRecord>;
  /** All that were saved last before an instant. */
  listIdle(savedBefore: number): AsyncIterable<CopyRecord>;
}

const PREFIX = "copy/";
const PAGE = 100;

/** Kept as records: one writer at a time, since each write names the version that it follows. */
export function createCopyMemory(records: Records, clock: Pick<Clock, "now">): CopyMemory {
  async function* listIdle(savedBefore: number): AsyncGenerator<CopyRecord> {
    let cursor: string | undefined;
    do {
      const page = await records.list(PREFIX, { limit: PAGE, now: clock.now(), ...(cursor && { cursor }) });
      for (const { key, version, value } of page.items) {
        const progress = parseCopyProgress(value);
        if (progress === undefined || progress.savedAt >= savedBefore) continue;
        yield createRecord({ records, clock }, { id: key, key: progress.key, version, progress });
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return {
    async open(key, sha256 = "") {
      const id = `${PREFIX}${createHash("sha256").update(`${key}\0${sha256}`).digest("hex")}`;
      const found = await records.get(id, clock.now());
      const progress = parseCopyProgress(found?.value);
      return createRecord({ records, clock }, { id, key, version: found?.version, progress });
    },
    listIdle,
  };
}

interface Deps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}

interface Found {
  readonly id: string;
  readonly key: string;
  readonly version: number | undefined;
  readonly progress: CopyProgress | undefined;
}

function createRecord({ records, clock }: Deps, { id, key, ...found }: Found): CopyRecord {
  let { version, progress } = found;
  return {
    get progress() {
      return progress;
    },
    async save(next) {
      const now = clock.now();
      const value: CopyProgress = { ...next, key, savedAt: now };
      const put = await records.put({ key: id, value, expected: version ?? "absent", now });
      if (put.kind === "conflict") return false;
      version = put.record.version;
      progress = value;
      return true;
    },
    async forget() {
      if (version !== undefined) await records.remove(id, version);
      version = undefined;
      progress = undefined;
    },
  };
}

/** How far one copy is, kept so that the next attempt goes on from there. */
export interface CopyLedger {
  readonly counts: FaultCounts;
  /** The upload that was begun, here or before. */
  readonly upload: Pick<BegunUpload, "id" | "plan"> | undefined;
  /** Bytes of the parts that this attempt uploaded. */
  readonly newBytes: number;
  /** The ETag of a part that lies there. */
  findEtag(number: number): string | undefined;
  /** Fails with a `CopyStop`, as `add` does, where somebody else is at work on the same copy. */
  begin(upload: Pick<BegunUpload, "id" | "plan">): Promise<void>;
  add(number: number, etag: string, size: number): Promise<void>;
  /** The upload is gone. */
  drop(): void;
  /** Keeps what there is, where that can be. Never throws. Gives the attempts in a row that got nowhere. */
  close(counts: FaultCounts, stalled: boolean): Promise<number>;
  forget(): Promise<void>;
}

/** A part may be as small as 5 MiB, and its record much larger than its news. */
const SAVE_EVERY_BYTES = 64 * 1_024 ** 2;

/** Opens the ledger of a copy. */
export function createCopyLedger(record: CopyRecord): CopyLedger {
  const { counts = {}, stalls = 0 } = record.progress ?? {};
  let upload = record.progress?.upload;
  let newBytes = 0;
  let unsaved = 0;
  let isLost = false;
  let saving: Promise<unknown> = Promise.resolve();

  // One write at a time: each names the version of the one before.
  function save(next: { readonly stalls: number; readonly counts: FaultCounts }): Promise<void> {
    const saved = saving.then(async () => {
      const isSaved = !isLost && (await record.save({ ...next, ...(upload && { upload }) }));
      isLost ||= !isSaved;
      if (!isSaved) throw new CopyStop({ kind: "passing", code: "COPY_BUSY", reason: "Another delivery is at work." });
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
      // A count that is not kept only makes the end come later; where another delivery is at work, that one keeps it.
      await save({ stalls: count, counts: next }).catch(() => undefined);
      return count;
    },
    forget: () => record.forget(),
  };
}

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** What is kept of a copy that is not made yet. */
const CopyProgress = Type.Object({
  key: Type.String({ minLength: 1, maxLength: 1_024 }),
  /** Epoch milliseconds. */
  savedAt: count,
  /** Attempts in a row that got nowhere. */
  stalls: count,
  /** How often what went wrong, by code. */
  counts: Type.Record(Type.String(), count),
  upload: Type.Optional(
    Type.Object({
      id: Type.String({ minLength: 1, maxLength: 2_048 }),
      /** Digest of the parts that it is made of; empty: it cannot be gone on with. */
      plan: Type.String({ maxLength: 64 }),
      /** Packed, by number of the part from 1; empty: not there yet. */
      etags: Type.Array(Type.String({ maxLength: 256 }), { maxItems: 10_000 }),
    }),
  ),
});
type CopyProgress = Static<typeof CopyProgress>;

/** An upload that was begun. */
type BegunUpload = NonNullable<CopyProgress["upload"]>;

const compiled = Compile(CopyProgress);

/** What was kept; undefined where that is nothing that can be gone on with. */
function parseCopyProgress(value: unknown): CopyProgress | undefined {
  return compiled.Check(value) ? value : undefined;
}

/** 10,000 ETags as S3 writes them are more than a record holds; as bytes in base64 they are not. */
export function packEtag(etag: string): string {
  const [, hex] = /^"([0-9a-f]{32})"$/.exec(etag) ?? [];
  return hex === undefined ? etag : Buffer.from(hex, "hex").toString("base64url");
}

/** The ETag as it was. */
export function unpackEtag(packed: string): string {
  if (!/^[A-Za-z0-9_-]{22}$/.test(packed)) return packed;
  return `"${Buffer.from(packed, "base64url").toString("hex")}"`;
}

/** What a sweep works with. */
interface SweepDeps {
  readonly memory: CopyMemory;
  readonly target: Pick<TargetBucket, "abort">;
  readonly clock: Pick<Clock, "now">;
}

const IDLE_MS = 24 * 60 * 60_000;

/**
 * Ends the uploads of copies that nobody has gone on with for a day, and forgets them. Only uploads that copies have begun: a
 * bucket that was adopted has others. Gives their number.
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

/** How often each has been met since the last copy. */
export type FaultCounts = Readonly<Partial<Record<CountedCode, number>>>;
