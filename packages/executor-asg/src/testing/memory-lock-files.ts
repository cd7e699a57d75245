import type { LockFiles, StoredFile } from "../lock/lock-files.ts";

/** Files in memory, with what a test may look at and do to every call. */
export interface MemoryLockFiles extends LockFiles {
  readonly texts: ReadonlyMap<string, string>;
}

/** What happens around each call: `before` it reaches the store, and `after` on the way back. Either may throw. */
export interface CallHooks {
  before?(operation: "load" | "put" | "remove", path: string): Promise<void>;
  after?(operation: "load" | "put" | "remove", path: string): Promise<void>;
  /** The last writer wins, as in the predecessor's days. */
  readonly isUnconditional?: boolean;
}

/** The state that several views of the same files share. */
export type StoredFiles = Map<string, StoredFile>;

let versions = 0;

/** Files with conditional writes as S3 has them: of several writers at a time the first wins. */
export function createMemoryLockFiles(hooks: CallHooks = {}, stored: StoredFiles = new Map()): MemoryLockFiles {
  async function around<Result>(
    operation: "load" | "put" | "remove",
    path: string,
    work: () => Result,
  ): Promise<Result> {
    await hooks.before?.(operation, path);
    const result = work();
    await hooks.after?.(operation, path);
    return result;
  }

  return {
    get texts() {
      return new Map([...stored].map(([path, { text }]) => [path, text]));
    },
    load: (path) => around("load", path, () => stored.get(path)),
    put: (path, text, over) =>
      around("put", path, () => {
        if (hooks.isUnconditional !== true && (stored.get(path)?.version ?? "absent") !== over) return "conflict";
        versions += 1;
        stored.set(path, { text, version: `v${versions}` });
        return "written";
      }),
    remove: (path, version) =>
      around("remove", path, () => {
        const found = stored.get(path);
        if (found !== undefined && found.version !== version) return "conflict";
        stored.delete(path);
        return "removed";
      }),
    locate: (path) => ({ place: path }),
  };
}
