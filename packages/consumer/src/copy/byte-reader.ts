/** A stream that is taken piece by piece. */
export interface ByteReader {
  /** So many bytes, or fewer where the stream ends. To be read to its end before anything else is asked. */
  take(bytes: number): AsyncGenerator<Uint8Array>;
  isAtEnd(): Promise<boolean>;
  /** Ends the stream. */
  close(): Promise<void>;
}

/** Divides a stream at bytes, wherever its chunks end. Never holds more than one chunk. */
export function createByteReader(body: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = body[Symbol.asyncIterator]();
  let held: Uint8Array | undefined;

  async function fill(): Promise<Uint8Array | undefined> {
    while (held === undefined || held.byteLength === 0) {
      const next = await iterator.next();
      if (next.done === true) return undefined;
      held = next.value;
    }
    return held;
  }

  return {
    async *take(bytes) {
      let left = bytes;
      while (left > 0) {
        const chunk = await fill();
        if (chunk === undefined) return;
        const piece = chunk.subarray(0, left);
        held = chunk.subarray(piece.byteLength);
        left -= piece.byteLength;
        yield piece;
      }
    },
    isAtEnd: async () => (await fill()) === undefined,
    close: async () => void (await iterator.return?.()),
  };
}
