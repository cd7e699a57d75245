import { hash } from "node:crypto";
import type { Clock, Records } from "@stackyard/core";
import { defineRecordKind, type RecordVersion } from "@stackyard/core/services";
import { type Static, Type } from "typebox";

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

const known = defineRecordKind({
  prefix: "known/",
  value: KnownObject,
  holds: "which files a consumer has stored",
  kept: "until it deletes them",
  damaged: "missing",
  // More concurrent writers of one key than a queue can deliver.
  tries: 10,
});

/** The record of a key, with the version that a conditional write expects. */
export interface KnownEntry {
  readonly object: KnownObject;
  readonly recordVersion: RecordVersion;
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

/** Stores the records of objects. */
export function createKnownArtifacts(records: Records, clock: Pick<Clock, "now">): KnownArtifacts {
  const deps = { records, clock };
  return {
    async load(key) {
      const { value: object, version: recordVersion } = await known.load(deps, toName(key));
      return object === undefined ? undefined : { object, recordVersion };
    },
    async save(object) {
      await known.change(deps, toName(object.key), (found) =>
        found !== undefined && isLater(found.value, object) ? {} : { write: { value: object } },
      );
    },
    async replace({ object: { key }, recordVersion: version }, object) {
      const write = object === undefined ? "remove" : { value: object };
      return (await known.replace(deps, { name: toName(key), version }, write)) !== undefined;
    },
  };
}

function isLater(standing: KnownObject, { sequence }: KnownObject): boolean {
  return standing.sequence !== undefined && sequence !== undefined && standing.sequence > sequence;
}

/** Object keys can be longer than those of records. */
function toName(key: string): string {
  return hash("sha256", key);
}
