import { createHash } from "node:crypto";

/** A piece of a file and what it must be. */
export interface PlannedPart {
  /** From 1. */
  readonly number: number;
  readonly from: number;
  readonly size: number;
  readonly sha256: string;
}

/** Parts that make a whole file. */
export interface PartPlan {
  readonly parts: readonly PlannedPart[];
  /** Tells this plan from others. */
  readonly digest: string;
}

const MIB = 1_024 ** 2;
/** Larger files are uploaded in parts. */
export const MAX_WHOLE_BYTES: number = 64 * MIB;
/** Amazon S3 user guide, "Amazon S3 multipart upload limits": 5 MiB to 5 GiB, 10,000 of them. */
const PART_LIMITS = { minBytes: 5 * MIB, maxBytes: 5 * 1_024 * MIB, count: 10_000 };

/** How large the parts of a file are that nobody has divided. */
export function toPartBytes(size: number, wholeBytes: number): number {
  return Math.max(wholeBytes, Math.ceil(size / PART_LIMITS.count / MIB) * MIB);
}

/** Plans the upload of parts that are known by their digests; undefined where they are not this file, or S3 does not take them. */
export function planParts(
  size: number,
  given: readonly { readonly size: number; readonly sha256: string }[],
): PartPlan | undefined {
  let from = 0;
  const parts = given.map((part, index) => {
    const planned = { number: index + 1, from, size: part.size, sha256: part.sha256 };
    from += part.size;
    return planned;
  });
  const isTaken = (bytes: number, isLast: boolean) =>
    bytes > 0 && bytes <= PART_LIMITS.maxBytes && (isLast || bytes >= PART_LIMITS.minBytes);
  if (from !== size || parts.length > PART_LIMITS.count) return undefined;
  if (!parts.every((part, index) => isTaken(part.size, index === parts.length - 1))) return undefined;
  const text = parts.map((part) => `${part.size} ${part.sha256}\n`).join("");
  return { parts, digest: createHash("sha256").update(text).digest("hex") };
}
