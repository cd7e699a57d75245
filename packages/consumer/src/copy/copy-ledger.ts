import { CopyStop } from "./copy-fault.ts";
import { type BegunUpload, packEtag, unpackEtag } from "./copy-progress.ts";
import type { CopyRecord } from "./create-copy-memory.ts";
import type { FaultCounts } from "./settle-fault.ts";

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
