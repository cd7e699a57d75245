/** Reads bytes of others to their end. Returns undefined, and reads no more, when they are more than allowed. */
export async function collectBytes(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > maxBytes) return undefined;
    parts.push(piece);
  }
  return Buffer.concat(parts, bytes);
}
