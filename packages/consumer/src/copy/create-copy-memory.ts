import { createHash } from "node:crypto";
import type { Clock, Records } from "@stackyard/core";
import { type CopyProgress, parseCopyProgress } from "./copy-progress.ts";

/** What is kept of one copy, by whoever opened it. */
export interface CopyRecord {
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
