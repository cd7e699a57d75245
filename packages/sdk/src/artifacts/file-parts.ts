import { createHash, webcrypto } from "node:crypto";
import { constants, type FileHandle, open, stat } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { isStackyardError } from "@stackyard/core";
import { type ManifestPart, toArtifactError } from "./manifest.ts";

/** The bytes of a file: a path in the file system, bytes, or a stream, which can be read once only. */
export type FileBody = string | Uint8Array | Readable;

const CHUNK_BYTES = 1_048_576;

/** Returns true if it can be read again. */
export function isReplayable(body: FileBody): body is string | Uint8Array {
  return typeof body === "string" || body instanceof Uint8Array;
}

/** Returns the length of a body; for a stream, the declared one. Throws `CONFIG_INVALID` for unreadable bodies. */
export async function findSize(body: FileBody, said?: number): Promise<number | undefined> {
  if (body instanceof Uint8Array) return body.length;
  if (typeof body !== "string") {
    // Read again, a stream that has ended would be an empty file.
    if (body.readable) return said;
    const hint = "Give a new stream for each publication.";
    throw toArtifactError("CONFIG_INVALID", "A stream was read already, or is closed.", { hint });
  }
  const found = await stat(body).catch((error: unknown) => {
    throw toReadError(body, error);
  });
  if (!found.isFile()) throw toArtifactError("CONFIG_INVALID", `"${body}" is not a file.`);
  return found.size;
}

/**
 * Yields the bytes, each chunk valid until the next is requested. Stopping early closes open files; the signal also
 * ends a stream that sends nothing. Throws `CONFIG_INVALID` for unreadable bodies, `SIZE_MISMATCH` for a file that
 * changes meanwhile.
 */
export async function* readBody(body: FileBody, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  if (body instanceof Uint8Array) {
    yield body;
    return;
  }
  const stream: AsyncIterable<unknown> = typeof body === "string" ? readFile(body) : addAbortSignal(signal, body);
  try {
    for await (const chunk of stream) {
      signal.throwIfAborted();
      yield toBytes(chunk);
    }
  } catch (error) {
    if (isStackyardError(error)) throw error;
    throw toReadError(typeof body === "string" ? body : "the stream", error);
  }
}

/**
 * Reads a file ahead into two alternating buffers: those of a stream are garbage outside V8's heap, slow to collect.
 */
async function* readFile(path: string): AsyncGenerator<Uint8Array, void> {
  // The file may have become a pipe, whose writer would be waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = await file.stat({ bigint: true });
    yield* readAhead(file);
    const after = await file.stat({ bigint: true });
    if (after.mtimeNs !== before.mtimeNs || after.size !== before.size) throw toChangedError(JSON.stringify(path));
  } finally {
    await file.close();
  }
}

async function* readAhead(file: FileHandle): AsyncGenerator<Uint8Array, void> {
  const read = (buffer: Buffer<ArrayBuffer>) => file.read(buffer, 0, buffer.length);
  let next = read(Buffer.allocUnsafeSlow(CHUNK_BYTES));
  let spare = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  for (;;) {
    const { bytesRead, buffer } = await next;
    if (bytesRead === 0) return;
    next = read(spare);
    // A caller that stops now never reads the result.
    next.catch(() => {});
    spare = buffer;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Returns the error for a file that changes while it is read. `what`: its name, and the change. */
export function toChangedError(what: string): Error {
  const hint = "Publish it again when it no longer changes.";
  return toArtifactError("SIZE_MISMATCH", `${what} changed while it was read.`, { hint });
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return Buffer.from(chunk);
  throw new TypeError("The stream returned a chunk that is not bytes or a string.");
}

function toReadError(name: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause);
  return toArtifactError("CONFIG_INVALID", `"${name}" cannot be read: ${why}`, { cause });
}

/** The digests that identify a file. */
export interface FileDigest {
  readonly size: number;
  readonly sha256: string;
  readonly parts: readonly ManifestPart[];
}

/** Takes the bytes of a file as they come. */
interface DigestInProgress {
  update(chunk: Uint8Array): void;
  /** The complete parts. */
  readonly parts: readonly ManifestPart[];
  /** Ends the last part. Once. */
  end(): FileDigest;
}

/** Computes the SHA-256 of a file and of its parts, in one pass. */
export function createFileDigest(partBytes: number): DigestInProgress {
  const whole = createHash("sha256");
  const parts: ManifestPart[] = [];
  let part = createHash("sha256");
  let [size, inPart] = [0, 0];

  function endPart(): void {
    parts.push({ size: inPart, sha256: part.digest("hex") });
    part = createHash("sha256");
    inPart = 0;
  }

  return {
    parts,
    update(chunk) {
      whole.update(chunk);
      size += chunk.length;
      for (let from = 0; from < chunk.length; ) {
        const slice = chunk.subarray(from, from + partBytes - inPart);
        part.update(slice);
        inPart += slice.length;
        from += slice.length;
        if (inPart === partBytes) endPart();
      }
    },
    end() {
      if (inPart > 0) endPart();
      return { size, sha256: whole.digest("hex"), parts };
    },
  };
}

/**
 * Returns S3's SHA-256 of an object that was uploaded in parts: the digest over the parts' digests, and their number
 * (S3 user guide, "Checking object integrity", composite checksums).
 */
export function toCompositeSha256(parts: readonly ManifestPart[]): string {
  const hash = createHash("sha256");
  for (const { sha256 } of parts) hash.update(Buffer.from(sha256, "hex"));
  return `${hash.digest("base64")}-${parts.length}`;
}

const MIB = 1_048_576;

/** Up to this size a file is one PUT; above, it is uploaded in parts, and the manifest has their digests. */
export const SINGLE_BYTES: number = 64 * MIB;

/** S3 user guide, "Amazon S3 multipart upload limits". */
export const MAX_PARTS = 10_000;

const SMALLEST = 16 * MIB;
/** For a file of unknown length: up to 312 GiB. */
const UNKNOWN = 32 * MIB;

/**
 * Returns the length of all parts of an uploaded file except the last: 16 MiB, doubled until there are at most 10,000. So they
 * divide, or are divided by, the parts in which consumers store the file.
 */
export function toUploadPartBytes(size: number | undefined): number {
  if (size === undefined) return UNKNOWN;
  let bytes = SMALLEST;
  while (bytes * MAX_PARTS < size) bytes *= 2;
  return bytes;
}

/** Some bytes of a file, in memory. The receiver releases `held`. */
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
  /** Returns the next part; undefined at the end. */
  next(): Promise<HeldPart | undefined>;
  /** Returns the digest of everything that was read; undefined before the end. */
  digest(): Promise<FileDigest> | undefined;
}

/**
 * Splits the input into parts of `partBytes`, except the last, and digests them. Reads no part before there is memory.
 */
export function createPartReader(
  chunks: AsyncGenerator<Uint8Array, void>,
  { partBytes, room }: { readonly partBytes: number; readonly room: MemoryRoom },
): PartReader {
  const whole = createHash("sha256");
  const fill = createFill(chunks, (bytes) => whole.update(bytes));
  const parts: Promise<ManifestPart>[] = [];
  let ended: string | undefined;
  let size = 0;

  /** Creates a part. A short file is one part. */
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

/** Fills memory from the stream and returns the number of bytes: fewer than requested at the end. */
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

/** Runs on a thread of Node's pool; the digest of the whole file uses this thread. */
async function digestAside(bytes: Buffer<ArrayBuffer>): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest("SHA-256", bytes)).toString("hex");
}

/** A pool that limits the bytes in memory at a time. */
export interface MemoryRoom {
  /** Waits until this many bytes are free, at most the whole pool. The buffers may contain data of earlier holders. */
  take(bytes: number): Promise<Buffer<ArrayBuffer>>;
  /**
   * Releases the buffer, once. A request that was answered early may still send its new content, but S3 accepts only
   * bytes with the signed digest.
   */
  give(memory: Buffer<ArrayBuffer>): void;
}

/**
 * Creates a memory limit; claims are served in their order. Reuses released buffers of the same length: new memory
 * outside V8's heap for each part would keep the garbage collector busy.
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

  /** Returns a spare buffer of this length, or a new one; drops spare ones that would exceed the limit. */
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

export function sumOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
