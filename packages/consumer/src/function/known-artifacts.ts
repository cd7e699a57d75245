import { hash } from "node:crypto";
import { type Clock, changeRecord, type Records } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const text = Type.Optional(Type.String({ maxLength: 4_096 }));
const whole = Type.Optional(Type.Integer({ minimum: 0 }));

/** The record of a stored object. */
const KnownObject = Type.Object({
  key: Type.String(),
  /** Digest of the source file; missing when the object is neither that file nor its rewritten template. */
  sourceSha256: text,
  storedSha256: text,
  name: text,
  version: text,
  sequence: whole,
  size: whole,
  versionId: text,
  /** Digest of a file that is being deleted: the object may or may not exist. */
  retiring: text,
});
export type KnownObject = Static<typeof KnownObject>;

const known = Compile(KnownObject);

/** The record of a key, with the version that a conditional write expects. */
export interface KnownEntry {
  readonly object: KnownObject;
  readonly recordVersion: number;
}

/** The consumer's records of the objects in its bucket. */
export interface KnownArtifacts {
  /** Returns undefined for an unknown key and for an invalid record. */
  load(key: string): Promise<KnownEntry | undefined>;
  /** Writes the record unless it has a later sequence meanwhile. */
  save(object: KnownObject): Promise<void>;
  /** Writes or removes the record. Returns false when it was changed meanwhile. */
  replace(entry: KnownEntry, object: KnownObject | undefined): Promise<boolean>;
}

/** More concurrent writers of one key than a queue can deliver. */
const MAX_TRIES = 10;

/** Stores records under `known/` and the digest of the key. */
export function createKnownArtifacts(records: Records, clock: Pick<Clock, "now">): KnownArtifacts {
  return {
    async load(key) {
      const found = await records.get(toRecordKey(key), clock.now());
      return found && known.Check(found.value) ? { object: found.value, recordVersion: found.version } : undefined;
    },
    async save(object) {
      await changeRecord({
        records,
        clock,
        key: toRecordKey(object.key),
        tries: MAX_TRIES,
        conflict: "Too many processes change the record of a key at once.",
        decide: (found) => {
          const isOld = known.Check(found?.value) && isLater(found?.value, object);
          return isOld ? {} : { write: { value: object } };
        },
      });
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

/** Returns a record key; object keys can be longer. */
function toRecordKey(key: string): string {
  return `known/${hash("sha256", key)}`;
}
