/** Memory for so many bytes at a time, by whoever holds it. */
export interface MemoryRoom {
  /** Waits until so much is free. More than there is counts as all of it. What is in it may be of whoever had it before. */
  take(bytes: number): Promise<Buffer<ArrayBuffer>>;
  /**
   * Gives back what was taken, once. A request that was answered early may still send what is in it by then; S3 takes no bytes
   * that are not those of the digest that is signed.
   */
  give(memory: Buffer<ArrayBuffer>): void;
}

/**
 * Who came first is served first, so nobody waits for ever. What comes back is lent again where the length is the same: new
 * memory outside of V8's heap, part after part, keeps the collector at work.
 */
export function createMemoryRoom(bytes: number): MemoryRoom {
  const waiting: { readonly wanted: number; readonly go: () => void }[] = [];
  const spare: Buffer<ArrayBuffer>[] = [];
  let free = bytes;

  function serve(): void {
    for (let next = waiting[0]; next !== undefined && next.wanted <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.wanted;
      next.go();
    }
  }

  /** What is spare and does not fit makes room. */
  function lend(length: number): Buffer<ArrayBuffer> {
    const found = spare.findIndex((each) => each.length === length);
    const [same] = found === -1 ? [] : spare.splice(found, 1);
    if (same !== undefined) return same;
    while (sumOf(spare) > free) spare.shift();
    return Buffer.allocUnsafeSlow(length);
  }

  return {
    take(length) {
      return new Promise((resolve) => {
        waiting.push({ wanted: Math.min(length, bytes), go: () => resolve(lend(length)) });
        serve();
      });
    },
    give(memory) {
      spare.push(memory);
      free += Math.min(memory.length, bytes);
      serve();
    },
  };
}

function sumOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
