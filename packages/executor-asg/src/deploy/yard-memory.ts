import { type Clock, defined, isMap, type Records } from "@stackyard/core";
import type { LockFiles } from "../locks/lock-files.ts";
import { createReleaseLocks } from "../locks/release-locks.ts";
import type { ReleaseConstants } from "../presets.ts";
import type { ReleaseMemory } from "../release-state.ts";
import { createFileMemory } from "./memory.ts";

/**
 * Stores a release's memory in the yard's records. They are not a second channel: the yard itself decides who may start
 * a run.
 */
export function createYardMemory({ records, clock, generation, at, by }: YardMemoryOptions): ReleaseMemory {
  const files = createYardLockFiles({ records, clock, at });
  const locks = createReleaseLocks({
    files,
    clock,
    generation,
    unlockWords: ["--region", at.region],
    ...defined({ by }),
  });
  return createFileMemory({ files, locks, clock, generation, isSecondChannel: false });
}

/** Options of `createYardMemory`. */
export interface YardMemoryOptions {
  readonly records: Records;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  /** Target of the release: one yard deploys to many accounts and regions. */
  readonly at: { readonly account: string; readonly region: string };
  /** Who deploys; shown when the lock blocks another release. */
  readonly by?: string;
}

/** Stores the lock files of an account and region as records of the yard, one text per record. */
export function createYardLockFiles(options: Pick<YardMemoryOptions, "records" | "clock" | "at">): LockFiles {
  const { records, clock, at } = options;
  const prefix = `releases/${at.account}/${at.region}/`;
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

/** Encodes a path as a key: project names may contain characters that keys must not. */
function toKey(prefix: string, path: string): string {
  return prefix + path.split("/").map(encodeSegment).join("/");
}

function encodeSegment(segment: string): string {
  return segment === "" ? "%" : encodeURIComponent(segment);
}

function toText(value: unknown): string {
  const text = isMap(value) ? value["text"] : undefined;
  return typeof text === "string" ? text : "";
}
