import { createHash } from "node:crypto";
import { type Clock, type Records, StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const text = Type.Optional(Type.String({ maxLength: 4_096 }));
const whole = Type.Optional(Type.Integer({ minimum: 0 }));

/** What is recorded of a key when its object was stored. */
const KnownObject = Type.Object({
  key: Type.String(),
  /** Of the file as the distributor has it; absent where the object is not that file, byte for byte or as a rewritten template. */
  sourceSha256: text,
  storedSha256: text,
  name: text,
  version: text,
  sequence: whole,
  size: whole,
  versionId: text,
  /** The digest of a file that is being deleted: the object may be there or not. */
  retiring: text,
});
export type KnownObject = Static<typeof KnownObject>;

const known = Compile(KnownObject);

/** A record of a key, with what a write must find. */
export interface KnownEntry {
  readonly object: KnownObject;
  readonly recordVersion: number;
}

/** What the consumer remembers of the objects in its bucket. */
export interface KnownArtifacts {
  /** Undefined for a key that nothing was stored under, and for a record that nobody can read any more. */
  load(key: string): Promise<KnownEntry | undefined>;
  /** Writes it unless a later sequence stands there meanwhile. */
  save(object: KnownObject): Promise<void>;
  /** Writes or removes it on the condition that nobody wrote since; false: somebody did. */
  replace(entry: KnownEntry, object: KnownObject | undefined): Promise<boolean>;
}

/** More writers of one key at a time than a queue can deliver. */
const MAX_TRIES = 10;

/** Remembers in records, under `known/` and the digest of the key. */
export function createKnownArtifacts(records: Records, clock: Pick<Clock, "now">): KnownArtifacts {
  const find = (key: string) => records.get(toRecordKey(key), clock.now());
  return {
    async load(key) {
      const found = await find(key);
      return found && known.Check(found.value) ? { object: found.value, recordVersion: found.version } : undefined;
    },
    async save(object) {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const found = await find(object.key);
        if (known.Check(found?.value) && isLater(found?.value, object)) return;
        const expected = found?.version ?? "absent";
        const input = { key: toRecordKey(object.key), value: object, expected, now: clock.now() } as const;
        if ((await records.put(input)).kind === "written") return;
      }
      throw new StackyardError("RECORD_CONFLICT", "What is known of a key is written by many at a time.");
    },
    async replace({ object: { key }, recordVersion }, object) {
      if (object === undefined) return records.remove(toRecordKey(key), recordVersion);
      const input = { key: toRecordKey(key), value: object, expected: recordVersion, now: clock.now() };
      return (await records.put(input)).kind === "written";
    },
  };
}

function isLater(standing: KnownObject, { sequence }: KnownObject): boolean {
  return standing.sequence !== undefined && sequence !== undefined && standing.sequence > sequence;
}

/** Keys of objects are longer than keys of records may be. */
function toRecordKey(key: string): string {
  return `known/${createHash("sha256").update(key).digest("hex")}`;
}
