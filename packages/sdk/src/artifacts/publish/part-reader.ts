import { createFileDigest, type FileDigest } from "./file-digest.ts";
import type { MemoryRoom } from "./memory-room.ts";

/** Some bytes of a file, in memory. Whoever has it gives `held` back. */
export interface HeldPart {
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly held: number;
}

/** Reads a file part by part. */
export interface PartReader {
  /** Undefined: there are no more. */
  next(): Promise<HeldPart | undefined>;
  /** Of all that was read; undefined before the end. */
  digest(): FileDigest | undefined;
}

/** Cuts what comes into parts of so many bytes, all but the last, and digests them meanwhile. Reads no part before there is room. */
export function createPartReader(
  chunks: AsyncGenerator<Uint8Array, void>,
  { partBytes, room }: { readonly partBytes: number; readonly room: MemoryRoom },
): PartReader {
  const inProgress = createFileDigest(partBytes);
  let ended: FileDigest | undefined;
  let rest: Uint8Array = Buffer.alloc(0);
  let number = 0;

  async function fill(bytes: Buffer): Promise<number> {
    let filled = 0;
    while (filled < bytes.length) {
      const step = rest.length === 0 ? await chunks.next() : { done: false as const, value: rest };
      if (step.done === true) {
        ended = inProgress.end();
        break;
      }
      const slice = step.value.subarray(0, bytes.length - filled);
      bytes.set(slice, filled);
      inProgress.update(slice);
      filled += slice.length;
      rest = step.value.subarray(slice.length);
    }
    return filled;
  }

  return {
    digest: () => ended,
    async next() {
      if (ended !== undefined) return undefined;
      const held = await room.take(partBytes);
      let given = false;
      try {
        const whole = Buffer.allocUnsafe(partBytes);
        const filled = await fill(whole);
        const sha256 = inProgress.parts.at(-1)?.sha256;
        if (filled === 0 || sha256 === undefined) return undefined;
        number += 1;
        given = true;
        return { number, bytes: whole.subarray(0, filled), sha256, held };
      } finally {
        if (!given) room.give(held);
      }
    },
  };
}
