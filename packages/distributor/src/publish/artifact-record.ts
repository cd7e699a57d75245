import { StackyardError } from "@stackyard/core";
import { ARTIFACT_NAME, ARTIFACT_VERSION } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const text = Type.String({ minLength: 1, maxLength: 1_024 });
const sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const instant = Type.String({ maxLength: 40 });

/**
 * What is kept of a version, under `artifact/<name>/<version>`. The manifest itself may be larger than a record, and stays in the
 * bucket.
 */
export const ArtifactRecord = Type.Object({
  v: Type.Literal(1),
  name: Type.String({ pattern: ARTIFACT_NAME }),
  version: Type.String({ pattern: ARTIFACT_VERSION }),
  manifestKey: text,
  manifestVersionId: Type.Union([text, Type.Null()]),
  manifestSha256: sha256,
  /** By which a version that was removed from the source is known again; records of before have none. */
  contentSha256: Type.Optional(sha256),
  sequence: whole,
  distributionId: text,
  publishedAt: instant,
  /** When the manifest was written, or what was uploaded; records of before have none. */
  writtenAt: Type.Optional(instant),
  labels: Type.Record(Type.String(), Type.String()),
  files: whole,
  bytes: whole,
  /** Of the manifest's files, in its order; null where the bucket keeps no versions. */
  versionIds: Type.Array(Type.Union([text, Type.Null()]), { maxItems: 1_000 }),
  /** Of what somebody else has uploaded: the key that a later upload takes from it. */
  uploadKey: Type.Optional(text),
  /** Null until everybody was told. */
  announcedAt: Type.Union([instant, Type.Null()]),
  retiredAt: Type.Union([instant, Type.Null()]),
});
export type ArtifactRecord = Static<typeof ArtifactRecord>;

const compiled = Compile(ArtifactRecord);

/** Where a version's record lies. */
export function artifactRecordKey(name: string, version: string): string {
  return `artifact/${name}/${version}`;
}

/** Reads a record. Throws `STORE_CORRUPT`. */
export function parseArtifactRecord(value: unknown): ArtifactRecord {
  if (compiled.Check(value)) return value;
  const [fault] = compiled.Errors(value);
  throw new StackyardError("STORE_CORRUPT", `A record of an artifact is wrong at "${fault?.instancePath ?? ""}".`);
}
