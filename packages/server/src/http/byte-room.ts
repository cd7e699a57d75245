import { StackyardError } from "@stackyard/core";
import { readBytes } from "./read-body.ts";

/** A body that is read into a room. */
interface RoomyRead {
  readonly maxBytes: number;
  /** Who sends it: one caller never takes more than the half of a room. Undefined: nobody knows yet. */
  readonly caller?: string;
  /** Gives the place back at once, whatever the sender still sends. */
  readonly signal?: AbortSignal;
}

/**
 * Limits the bytes of bodies that are in memory at the same time. Only bytes that have arrived count, so that slow senders do
 * not block others.
 */
export interface ByteRoom {
  /** Reads a body, and keeps its place until the work with it has ended. Throws `PAYLOAD_TOO_LARGE` and `RATE_LIMITED`. */
  read<T>(request: Request, input: RoomyRead, work: (bytes: Uint8Array) => Promise<T>): Promise<T>;
}

const RETRY_AFTER_MS = 2_000;

/** Creates a room for bodies of this many bytes in all. */
export function createByteRoom(most: number): ByteRoom {
  let taken = 0;
  const byCaller = new Map<string, number>();
  const add = (caller: string | undefined, bytes: number): void => {
    taken += bytes;
    if (caller === undefined) return;
    const own = (byCaller.get(caller) ?? 0) + bytes;
    if (own > 0) byCaller.set(caller, own);
    else byCaller.delete(caller);
  };
  const isFull = (caller: string | undefined, bytes: number): boolean => {
    const own = caller === undefined ? 0 : (byCaller.get(caller) ?? 0);
    return taken + bytes > most || own + bytes > most / 2;
  };
  return {
    async read(request, { maxBytes, caller, signal }, work) {
      let own = 0;
      let hasEnded = false;
      const take = (bytes: number): void => {
        if (hasEnded || isFull(caller, bytes)) {
          const details = { retryAfterMs: RETRY_AFTER_MS };
          throw new StackyardError("RATE_LIMITED", "Too many large requests at once. Try again.", { details });
        }
        own += bytes;
        add(caller, bytes);
      };
      const close = (): void => {
        if (!hasEnded) add(caller, -own);
        hasEnded = true;
      };
      signal?.addEventListener("abort", close, { once: true });
      try {
        return await work(await readBytes(request, maxBytes, take));
      } finally {
        signal?.removeEventListener("abort", close);
        close();
      }
    },
  };
}
