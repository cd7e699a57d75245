import { createHash, webcrypto } from "node:crypto";
import type { ManifestPart } from "../manifest.ts";
import type { FileDigest } from "./file-digest.ts";
import type { MemoryRoom } from "./memory-room.ts";

/** Some bytes of a file, in memory. Whoever has it gives `held` back. */
export interface HeldPart {
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer;
  /** In hex; worked out by another thread while the next part is read. */
  readonly sha256: Promise<string>;
  /** The memory that it is in. */
  readonly held: Buffer<ArrayBuffer>;
}

/** Reads a file part by part. */
export interface PartReader {
  /** Undefined: there are no more. */
  next(): Promise<HeldPart | undefined>;
  /** Of all that was read; undefined before the end. */
  digest(): Promise<FileDigest> | undefined;
}

/** Cuts what comes into parts of so many bytes, all but the last, and digests them meanwhile. Reads no part before there is room. */
export function createPartReader(
  chunks: AsyncGenerator<Uint8Array, void>,
  { partBytes, room }: { readonly partBytes: number; readonly room: MemoryRoom },
): PartReader {
  const whole = createHash("sha256");
  const fill = createFill(chunks, (bytes) => whole.update(bytes));
  const parts: Promise<ManifestPart>[] = [];
  let ended: string | undefined;
  let size = 0;

  /** All of a short file is its only part. */
  function toPart(held: HeldPart["held"], bytes: Buffer<ArrayBuffer>): HeldPart {
    const sha256 = ended !== undefined && parts.length === 0 ? Promise.resolve(ended) : digestAside(bytes);
    const number = parts.push(sha256.then((digest) => ({ size: bytes.length, sha256: digest })));
    return { number, bytes, sha256, held };
  }

  async function toDigest(sha256: string): Promise<FileDigest> {
    return { size, sha256, parts: await Promise.all(parts) };
  }

  return {
    digest: () => (ended === undefined ? undefined : toDigest(ended)),
    async next() {
      if (ended !== undefined) return undefined;
      const held = await room.take(partBytes);
      let part: HeldPart | undefined;
      try {
        const filled = await fill(held);
        if (filled < held.length) ended = whole.digest("hex");
        size += filled;
        if (filled > 0) part = toPart(held, held.subarray(0, filled));
        return part;
      } finally {
        if (part === undefined) room.give(held);
      }
    },
  };
}

/** Fills memory with what comes, and tells how far: less than all of it at the end. */
function createFill(chunks: AsyncGenerator<Uint8Array, void>, onBytes: (bytes: Uint8Array) => void) {
  let rest: Uint8Array = Buffer.alloc(0);
  return async (memory: Buffer): Promise<number> => {
    let filled = 0;
    while (filled < memory.length) {
      const step = rest.length === 0 ? await chunks.next() : { done: false as const, value: rest };
      if (step.done === true) break;
      const slice = step.value.subarray(0, memory.length - filled);
      memory.set(slice, filled);
      onBytes(slice);
      filled += slice.length;
      rest = step.value.subarray(slice.length);
    }
    return filled;
  };
}

/** On a thread of Node's pool: the digest of the whole, which goes on from part to part, has this one. */
async function digestAside(bytes: Buffer<ArrayBuffer>): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest("SHA-256", bytes)).toString("hex");
}
