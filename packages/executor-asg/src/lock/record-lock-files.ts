import type { Clock, Records } from "@stackyard/core";
import type { LockFiles } from "./lock-files.ts";

/** Whose records, and under which beginning of their keys. */
export interface RecordLockFilesOptions {
  readonly records: Records;
  readonly clock: Clock;
  /** Default: `releases/`. */
  readonly prefix?: string;
}

/** The yard's records: a text a record. */
export function createRecordLockFiles({ records, clock, prefix = "releases/" }: RecordLockFilesOptions): LockFiles {
  return {
    async load(path) {
      const found = await records.get(toKey(prefix, path), clock.now());
      if (found === undefined) return undefined;
      return { text: toText(found.value), version: String(found.version) };
    },
    async put(path, text, over) {
      const expected = over === "absent" ? over : Number(over);
      const { kind } = await records.put({ key: toKey(prefix, path), value: { text }, expected, now: clock.now() });
      return kind;
    },
    async remove(path, version) {
      return (await records.remove(toKey(prefix, path), Number(version))) ? "removed" : "conflict";
    },
    locate: (path) => ({ place: `the yard's record ${toKey(prefix, path)}` }),
  };
}

/** Names of projects may hold what a key must not. */
function toKey(prefix: string, path: string): string {
  return prefix + path.split("/").map(encodeSegment).join("/");
}

function encodeSegment(segment: string): string {
  return segment === "" ? "%" : encodeURIComponent(segment);
}

function toText(value: unknown): string {
  const { text } = typeof value === "object" && value !== null ? { text: undefined, ...value } : { text: undefined };
  return typeof text === "string" ? text : "";
}
