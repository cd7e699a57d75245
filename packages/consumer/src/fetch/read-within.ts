import type { Readable } from "node:stream";
import { StackyardError } from "@stackyard/core";

/**
 * The bytes of a stream, which is destroyed in the end. Fails with `UNREACHABLE` when nothing comes for `idleMs` although
 * somebody waits: a reader that is slow itself is no idle sender.
 */
export async function* readWithin(stream: Readable, idleMs: number): AsyncGenerator<Uint8Array> {
  let waiting = true;
  const timer = setTimeout(() => {
    if (waiting) stream.destroy(new StackyardError("UNREACHABLE", "The source sends nothing any more."));
    else timer.refresh();
  }, idleMs);
  try {
    for await (const chunk of stream) {
      waiting = false;
      yield chunk;
      waiting = true;
      timer.refresh();
    }
  } catch (error) {
    throw toUnreachable(error);
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
}

/** Errors of sockets name hosts and codes only, but nobody promises it: only the code is repeated. */
export function toUnreachable(error: unknown): StackyardError {
  if (error instanceof StackyardError) return error;
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
  return new StackyardError("UNREACHABLE", `The source does not answer${code}.`);
}
