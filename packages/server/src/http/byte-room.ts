import { StackyardError } from "@stackyard/core";
import { readBytes } from "./read-body.ts";

/** A body that is read into a room. */
interface RoomyRead {
  readonly maxBytes: number;
  /** Who sends it: one caller never takes more than the half of a room. Undefined: not known yet. */
  readonly caller?: string;
  /** Gives the place back at once, whatever the sender still sends. */
  readonly signal?: AbortSignal;
}

/** Bytes of a known size that are in memory whole. */
interface RoomyWrite {
  readonly bytes: number;
  readonly caller: string;
}

/**
 * Limits the bytes of bodies that are in memory at the same time. Only bytes that have arrived count, so that slow senders do
 * not block others.
 */
export interface ByteRoom {
  /** Reads a body, and keeps its place until the work with it has ended. Throws `PAYLOAD_TOO_LARGE` and `RATE_LIMITED`. */
  read<T>(request: Request, input: RoomyRead, work: (bytes: Uint8Array) => Promise<T>): Promise<T>;
  /** Does work that has so many bytes in memory. */
  hold<T>(input: RoomyWrite, work: () => Promise<T>): Promise<T>;
  /** Loads bytes, and returns them as a stream that keeps their place until its receiver has them all, or is gone. */
  write(input: RoomyWrite, load: () => Promise<Uint8Array>): Promise<ReadableStream<Uint8Array>>;
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
  /** Takes places for one body. */
  const enter = (caller: string | undefined) => {
    let own = 0;
    let hasEnded = false;
    return {
      take(bytes: number): void {
        if (hasEnded || isFull(caller, bytes)) {
          const details = { retryAfterMs: RETRY_AFTER_MS };
          throw new StackyardError("RATE_LIMITED", "Too many large requests at once. Try again.", { details });
        }
        own += bytes;
        add(caller, bytes);
      },
      close(): void {
        if (!hasEnded) add(caller, -own);
        hasEnded = true;
      },
    };
  };
  return {
    async read(request, { maxBytes, caller, signal }, work) {
      const { take, close } = enter(caller);
      signal?.addEventListener("abort", close, { once: true });
      try {
        return await work(await readBytes(request, maxBytes, take));
      } finally {
        signal?.removeEventListener("abort", close);
        close();
      }
    },
    async hold({ bytes, caller }, work) {
      const { take, close } = enter(caller);
      try {
        take(bytes);
        return await work();
      } finally {
        close();
      }
    },
    async write({ bytes, caller }, load) {
      const { take, close } = enter(caller);
      take(bytes);
      try {
        return toStream(await load(), close);
      } catch (error) {
        close();
        throw error;
      }
    },
  };
}

const PIECE_BYTES = 64 * 1024;
/** A receiver that takes nothing for so long has lost its place. */
const IDLE_MS = 30_000;

/** Returns bytes in pieces, as their receiver takes them. */
function toStream(bytes: Uint8Array, onEnd: () => void): ReadableStream<Uint8Array> {
  let at = 0;
  let idle: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearTimeout(idle);
    onEnd();
  };
  const wait = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    clearTimeout(idle);
    idle = setTimeout(() => {
      controller.error(new Error("The receiver took nothing for too long."));
      end();
    }, IDLE_MS).unref();
  };
  return new ReadableStream(
    {
      start: wait,
      pull(controller) {
        // A copy: the receiver may transfer it.
        if (at < bytes.length) controller.enqueue(bytes.slice(at, at + PIECE_BYTES));
        at += PIECE_BYTES;
        if (at < bytes.length) return wait(controller);
        controller.close();
        end();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}
