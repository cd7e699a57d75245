import { MAX_WHOLE_BYTES, type Manifest, type ManifestFile, PART_BYTES } from "@stackyard/sdk/artifacts";
import type { UploadName } from "./to-upload-name.ts";

const MIB = 1_024 ** 2;
/** So many digests of parts fit into one record. */
const MAX_PARTS = 2_000;

/** The largest upload: 2,000 parts of the largest size. */
export const MAX_UPLOAD_BYTES: number = MAX_PARTS * PART_BYTES.max;

/** How large the parts of an upload are that have digests of their own; undefined where it needs none. */
export function toPartBytes(size: number): number | undefined {
  if (size <= MAX_WHOLE_BYTES) return undefined;
  return Math.max(MAX_WHOLE_BYTES, Math.ceil(size / MAX_PARTS / MIB) * MIB);
}

/** An uploaded object and its digests. */
export interface DigestedUpload {
  readonly key: string;
  readonly versionId?: string;
  readonly size: number;
  readonly sha256: string;
  /** Lower-case hex; undefined where the file is digested in one. */
  readonly parts?: readonly string[];
  readonly contentType?: string;
  /** Of the object; the manifest of an upload is the same whoever makes it. */
  readonly modifiedAt: Date;
}

/** Consumers of the first version rewrote every such file; a file that is no template stays as it is anyway. */
const TEMPLATES = /\.(yaml|yml|template)$/;
const CONTENT_TYPE = /^[\u0020-\u007e]{1,255}$/;

/** The manifest of one uploaded file. */
export function toUploadManifest({ name, version }: UploadName, upload: DigestedUpload): Manifest {
  return { v: 1, name, version, createdAt: upload.modifiedAt.toISOString(), files: [toFile(upload)] };
}

function toFile({ key, size, sha256, versionId, contentType, parts }: DigestedUpload): ManifestFile {
  const partBytes = toPartBytes(size) ?? size;
  return {
    key,
    size,
    sha256,
    rewrite: TEMPLATES.test(key) ? "template" : "none",
    ...(versionId === undefined ? {} : { versionId }),
    ...(contentType !== undefined && CONTENT_TYPE.test(contentType) ? { contentType } : {}),
    ...(parts === undefined ? {} : { parts: parts.map((digest, index) => toPart(digest, index)) }),
  };

  function toPart(digest: string, index: number) {
    return { size: Math.min(partBytes, size - index * partBytes), sha256: digest };
  }
}
