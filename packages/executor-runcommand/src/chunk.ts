/** SendCommand takes at most 50 instance ids (API reference, "InstanceIds"). */
export const MAX_CHUNK_SIZE = 50;

/** The size of a chunk is no whole number from 1 to 50. */
export class ChunkSizeError extends RangeError {
  readonly code = "CHUNK_SIZE_INVALID";

  constructor(size: unknown) {
    super(`The chunk size must be a whole number from 1 to ${MAX_CHUNK_SIZE}, and ${String(size)} is none.`);
    this.name = "ChunkSizeError";
  }
}

/**
 * Cuts ids into lists of so many, in order; only the last one may be shorter, and none is empty. Throws
 * `CHUNK_SIZE_INVALID`.
 */
export function chunk<Id>(ids: readonly Id[], size: number = MAX_CHUNK_SIZE): Id[][] {
  if (!Number.isInteger(size) || size < 1 || size > MAX_CHUNK_SIZE) throw new ChunkSizeError(size);
  const chunks: Id[][] = [];
  for (let from = 0; from < ids.length; from += size) chunks.push(ids.slice(from, from + size));
  return chunks;
}
