import { createHash } from "node:crypto";
import type { ManifestPart } from "../manifest.ts";

/** What the bytes of a file are known by. */
export interface FileDigest {
  readonly size: number;
  readonly sha256: string;
  readonly parts: readonly ManifestPart[];
}

/** Takes the bytes of a file as they come. */
export interface DigestInProgress {
  update(chunk: Uint8Array): void;
  /** Those that are whole. */
  readonly parts: readonly ManifestPart[];
  /** Ends the last part. Once. */
  end(): FileDigest;
}

/** SHA-256 of a whole and of its parts, in one pass. */
export function createFileDigest(partBytes: number): DigestInProgress {
  const whole = createHash("sha256");
  const parts: ManifestPart[] = [];
  let part = createHash("sha256");
  let [size, inPart] = [0, 0];

  function endPart(): void {
    parts.push({ size: inPart, sha256: part.digest("hex") });
    part = createHash("sha256");
    inPart = 0;
  }

  return {
    parts,
    update(chunk) {
      whole.update(chunk);
      size += chunk.length;
      for (let from = 0; from < chunk.length; ) {
        const slice = chunk.subarray(from, from + partBytes - inPart);
        part.update(slice);
        inPart += slice.length;
        from += slice.length;
        if (inPart === partBytes) endPart();
      }
    },
    end() {
      if (inPart > 0) endPart();
      return { size, sha256: whole.digest("hex"), parts };
    },
  };
}

/**
 * What S3 calls the SHA-256 of an object that went up in parts: the digest over the parts' digests, and their number (S3 user
 * guide, "Checking object integrity", composite checksums).
 */
export function toCompositeSha256(parts: readonly ManifestPart[]): string {
  const hash = createHash("sha256");
  for (const { sha256 } of parts) hash.update(Buffer.from(sha256, "hex"));
  return `${hash.digest("base64")}-${parts.length}`;
}
