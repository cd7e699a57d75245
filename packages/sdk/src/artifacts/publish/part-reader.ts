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
  readonly held: number;
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
  const parts: Promise<ManifestPart>[] = [];
  let ended: string | undefined;
  let size = 0;
  let rest: Uint8Array = Buffer.alloc(0);
  let number = 0;

  async function fill(bytes: Buffer): Promise<number> {
    let filled = 0;
    while (filled < bytes.length) {
      const step = rest.length === 0 ? await chunks.next() : { done: false as const, value: rest };
      if (step.done === true) {
        ended = whole.digest("hex");
        break;
      }
      const slice = step.value.subarray(0, bytes.length - filled);
      bytes.set(slice, filled);
      whole.update(slice);
      filled += slice.length;
      rest = step.value.subarray(slice.length);
    }
    size += filled;
    return filled;
  }

  /** All of a short file is its only part. */
  function digestPart(bytes: Buffer<ArrayBuffer>): Promise<string> {
    const sha256 = ended !== undefined && parts.length === 0 ? Promise.resolve(ended) : digestAside(bytes);
    parts.push(sha256.then((digest) => ({ size: bytes.length, sha256: digest })));
    return sha256;
  }

  async function toDigest(sha256: string): Promise<FileDigest> {
    return { size, sha256, parts: await Promise.all(parts) };
  }

  return {
    digest: () => (ended === undefined ? undefined : toDigest(ended)),
    async next() {
      if (ended !== undefined) return undefined;
      const held = await room.take(partBytes);
      let given = false;
      try {
        const buffer = Buffer.allocUnsafe(partBytes);
        const filled = await fill(buffer);
        if (filled === 0) return undefined;
        number += 1;
        given = true;
        const bytes = buffer.subarray(0, filled);
        return { number, bytes, sha256: digestPart(bytes), held };
      } finally {
        if (!given) room.give(held);
      }
    },
  };
}

/** On a thread of Node's pool: the digest of the whole, which goes on from part to part, has this one. */
async function digestAside(bytes: Buffer<ArrayBuffer>): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest("SHA-256", bytes)).toString("hex");
}
