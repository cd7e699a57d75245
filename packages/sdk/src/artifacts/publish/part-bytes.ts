const MIB = 1_048_576;

/** Up to here a file is one object put at once; above, it goes up in parts, and the manifest has their digests. */
export const SINGLE_BYTES: number = 64 * MIB;

/** S3 user guide, "Amazon S3 multipart upload limits". */
export const MAX_PARTS = 10_000;

const SMALLEST = 16 * MIB;
/** For a file that does not say how long it is: up to 312 GiB. */
const UNKNOWN = 32 * MIB;

/**
 * How long the parts of a file are, all but the last: 16 MiB, doubled until they are no more than 10,000. So they divide, or are
 * divided by, the parts in which consumers store it.
 */
export function toPartBytes(size: number | undefined): number {
  if (size === undefined) return UNKNOWN;
  let bytes = SMALLEST;
  while (bytes * MAX_PARTS < size) bytes *= 2;
  return bytes;
}
