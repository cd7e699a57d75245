import type { Clock } from "@stackyard/core";
import type { HaltOrder } from "../halt/decide-halt.ts";
import type { LockFiles } from "../lock/lock-files.ts";
import { toReleasePaths } from "../names/release-paths.ts";
import type { ReleaseConstants } from "../release-constants.ts";
import type { ReleaseKey, ReleaseLocks, ReleaseMemory } from "../release-deps.ts";
import { answerOwnHalt, loadOwnHalt, toOwnHaltText } from "./own-halt.ts";

/** What differs between places. */
export interface FileMemoryOptions {
  readonly files: LockFiles;
  readonly locks: ReleaseLocks;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  readonly isSecondChannel: boolean;
  /** Where user data is kept in another way than other files. */
  putUserData?(path: string, text: string): Promise<void>;
  /** The predecessor's file, where there is one. */
  findHaltFile?(path: string): Promise<HaltOrder | undefined>;
  removeHaltFile?(path: string): Promise<void>;
}

const READS = 3;
const READ_AGAIN_MS = 500;

/** A memory of files under the predecessor's paths. */
export function createFileMemory(options: FileMemoryOptions): ReleaseMemory {
  const { files, clock, locks, isSecondChannel } = options;
  const toPaths = (release: ReleaseKey) => toReleasePaths(release, options.generation);

  /** What cannot be read is read again: an order that nobody sees is not obeyed. */
  async function insist<Result>(read: () => Promise<Result>): Promise<Result> {
    for (let reads = 1; ; reads += 1) {
      try {
        return await read();
      } catch (error) {
        if (reads === READS) throw error;
        await clock.sleep(READ_AGAIN_MS * reads);
      }
    }
  }

  return {
    isSecondChannel,
    locks,
    async loadDocument(release) {
      const found = await files.load(toPaths(release).release);
      return found === undefined ? undefined : JSON.parse(found.text);
    },
    loadUserData: async (release) => (await files.load(toPaths(release).userData))?.text,
    async storeDocument(release, { document, userData }) {
      const paths = toPaths(release);
      await files.put(paths.release, JSON.stringify(document), "absent");
      if (userData === undefined) return;
      if (options.putUserData === undefined) await files.put(paths.userData, userData, "absent");
      else await options.putUserData(paths.userData, userData);
    },
    async listHalts(release) {
      const { halt, ownHalt } = toPaths(release);
      const found = await Promise.all([
        insist(async () => options.findHaltFile?.(halt)),
        insist(() => loadOwnHalt(files, ownHalt)),
      ]);
      return found.filter((order) => order !== undefined);
    },
    async orderHalt(release, order) {
      const path = toPaths(release).ownHalt;
      const found = await files.load(path);
      // A conflict is another order, which halts as well.
      await files.put(path, toOwnHaltText({ ...order, at: clock.now() }), found?.version ?? "absent");
    },
    async clearHalts(release, answer = { outcome: "obeyed" }) {
      const { halt, ownHalt } = toPaths(release);
      // A release does not fail by an order that stays where it was: the file counts for some minutes only.
      await options.removeHaltFile?.(halt).catch(() => undefined);
      await answerOwnHalt(files, ownHalt, { ...answer, at: clock.now() }).catch(() => undefined);
    },
  };
}
