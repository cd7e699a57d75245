/** A file as it stood when it was read. */
export interface StoredFile {
  readonly text: string;
  /** Changes with each write: an ETag, or a record's version. */
  readonly version: string;
}

/** Small files with conditional writes, in which locks are kept: objects of a bucket, or the yard's records. */
export interface LockFiles {
  /** `undefined`: there is none. */
  load(path: string): Promise<StoredFile | undefined>;
  /** Over what was read, or where nothing was; `conflict`: somebody wrote meanwhile. An error leaves open whether it is written. */
  put(path: string, text: string, over: string | "absent"): Promise<"written" | "conflict">;
  /** What was read; gone already is `removed` too. */
  remove(path: string, version: string): Promise<"removed" | "conflict">;
  /** Where a person finds the file, and the command that takes it away. */
  locate(path: string): { readonly place: string; readonly removeCommand?: string };
}
