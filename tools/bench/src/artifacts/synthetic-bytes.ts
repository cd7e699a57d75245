import { createHash } from "node:crypto";

const BLOCK_BYTES = 1_048_576;
/** Bytes of no pattern that a digest or a network could make use of. */
const block = Buffer.alloc(BLOCK_BYTES);
for (let at = 0, state = 1; at < BLOCK_BYTES; at += 4) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  block.writeUInt32LE(state, at);
}

/** Bytes `from` to `to`, both included, of a file as long as anybody likes; nothing is held but one block. */
export function* readSynthetic(from: number, to: number): Generator<Buffer, void> {
  for (let at = from; at <= to; ) {
    const start = at % BLOCK_BYTES;
    const chunk = block.subarray(start, start + Math.min(BLOCK_BYTES - start, to - at + 1));
    at += chunk.length;
    yield chunk;
  }
}

/** SHA-256 in hex of so many of them, from the beginning. */
export function digestSynthetic(bytes: number): string {
  const hash = createHash("sha256");
  for (const chunk of readSynthetic(0, bytes - 1)) hash.update(chunk);
  return hash.digest("hex");
}
