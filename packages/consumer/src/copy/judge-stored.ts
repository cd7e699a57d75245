import type { ArtifactMessage } from "../artifact-message.ts";
import type { StoredObject } from "./stored-object.ts";

/** A message that names a digest. */
export type AnnouncedFile = Extract<ArtifactMessage, { readonly v: 2 }>;

/** What an object that lies under the key is to a message. */
export type StoredVerdict =
  | { readonly kind: "same"; readonly storedSha256: string }
  /** It names no digest: it must be read. */
  | { readonly kind: "unknown" }
  /** The same version with other bytes. */
  | { readonly kind: "conflict" }
  /** Another version, that this one follows. */
  | { readonly kind: "earlier" }
  | { readonly kind: "later" };

/** Names of the metadata of objects that were copied. */
export const METADATA = {
  /** Of the source's file, in hex. */
  sha256: "stackyard-sha256",
  /** Of the object itself, where it was rewritten. */
  storedSha256: "stackyard-stored-sha256",
  version: "stackyard-version",
  distribution: "stackyard-distribution",
  sequence: "stackyard-sequence",
} as const;

/** What would be written, and what was read of the object that lies there. */
export interface StoredComparison {
  /** Differs from what was announced where it was rewritten. */
  readonly own: { readonly size: number; readonly sha256: string };
  readonly read?: string;
}

/** Judges what lies there already. */
export function judgeStored(
  stored: StoredObject,
  message: AnnouncedFile,
  { own, read }: StoredComparison,
): StoredVerdict {
  const { sha256, size } = message.artifact;
  const { [METADATA.sha256]: said, [METADATA.storedSha256]: rewritten } = stored.metadata;
  if (said === undefined && read === undefined && stored.size === own.size) return { kind: "unknown" };
  if (said === undefined && read === own.sha256) return { kind: "same", storedSha256: read };
  // Rewritten or not: another release of this consumer may have rewritten it in another way.
  const isAlike = (rewritten !== undefined) === (own.sha256 !== sha256);
  const isSame = said === sha256 && isAlike && (rewritten !== undefined || stored.size === size);
  return isSame ? { kind: "same", storedSha256: rewritten ?? sha256 } : compareVersions(stored, message);
}

/** What was copied for a message without a version has none to conflict with; what somebody else put there is not touched. */
function compareVersions({ metadata }: StoredObject, { artifact, sequence }: AnnouncedFile): StoredVerdict {
  const { [METADATA.sha256]: said, [METADATA.version]: version, [METADATA.sequence]: stored } = metadata;
  if (version === undefined) return { kind: said === undefined ? "conflict" : "earlier" };
  if (version === artifact.version) return { kind: "conflict" };
  return sequence !== undefined && Number(stored) > sequence ? { kind: "later" } : { kind: "earlier" };
}

/** What is written beside an object. Header values are printable ASCII; what is not is left out. */
export function toMetadata(
  message: ArtifactMessage,
  sha256?: { readonly source: string; readonly stored: string },
): Readonly<Record<string, string>> {
  const announced = message.v === 2 ? message : undefined;
  const said = [
    [METADATA.sha256, sha256?.source ?? announced?.artifact.sha256],
    [METADATA.storedSha256, sha256?.stored === sha256?.source ? undefined : sha256?.stored],
    [METADATA.version, announced?.artifact.version],
    [METADATA.distribution, announced?.distributionId],
    [METADATA.sequence, announced?.sequence?.toString()],
  ] as const;
  return Object.fromEntries(
    said.flatMap(([name, value]) => (value !== undefined && /^[\u0021-\u007e]+$/.test(value) ? [[name, value]] : [])),
  );
}
