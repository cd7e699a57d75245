import { constants, type FileHandle, open, stat } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { isStackyardError } from "@stackyard/core";
import { toArtifactError } from "../artifact-error.ts";

/** The bytes of a file: a path in the file system, bytes, or a stream, which can be read once only. */
export type FileBody = string | Uint8Array | Readable;

const CHUNK_BYTES = 1_048_576;

/** Can it be read again? */
export function isReplayable(body: FileBody): body is string | Uint8Array {
  return typeof body === "string" || body instanceof Uint8Array;
}

/** How long it is; of a stream only what it was said to be. Throws `CONFIG_INVALID` for what cannot be read. */
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
  if (!found.isFile()) throw toArtifactError("CONFIG_INVALID", `"${body}" is no file.`);
  return found.size;
}

/**
 * Its bytes, each chunk good until the next one is asked for. Whoever stops early has what is open closed; the signal ends a
 * stream that is silent too. Throws `CONFIG_INVALID` for what cannot be read, `SIZE_MISMATCH` for a file that changes meanwhile.
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

/** Into two buffers in turn, one ahead: those of a stream are garbage outside of V8's heap, which costs time to collect. */
async function* readFile(path: string): AsyncGenerator<Uint8Array, void> {
  // What was a file may be a pipe by now, which would be waited for.
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
    // Who stops now never asks how it went.
    next.catch(() => {});
    spare = buffer;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Of a file that somebody writes. `what`: its name, and what was seen. */
export function toChangedError(what: string): Error {
  const hint = "Publish it again when nobody writes it any more.";
  return toArtifactError("SIZE_MISMATCH", `${what} changed while it was read.`, { hint });
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return Buffer.from(chunk);
  throw new TypeError("It gives something else than bytes.");
}

function toReadError(name: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause);
  return toArtifactError("CONFIG_INVALID", `"${name}" cannot be read: ${why}`, { cause });
}
