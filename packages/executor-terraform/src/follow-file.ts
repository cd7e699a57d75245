import type { FileHandle } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** Progress is for people: a tenth of a second late is at once. */
const INTERVAL_MS = 100;
const PIECE_BYTES = 64 * 1024;

/**
 * Reads a growing file to its end, again and again, until `ended` is settled and everything is read. The file stays
 * open. Reads at positions of its own, so the handle may be the one that a program writes through.
 */
export async function followFile(
  file: FileHandle,
  ended: Promise<unknown>,
  onText: (text: string) => void,
): Promise<void> {
  const waking = new AbortController();
  const wake = () => waking.abort();
  ended.then(wake, wake);
  const drain = createDrain(file, onText);
  while (!waking.signal.aborted) {
    await drain();
    await delay(INTERVAL_MS, undefined, { signal: waking.signal }).catch(() => undefined);
  }
  await drain();
}

function createDrain(file: FileHandle, onText: (text: string) => void): () => Promise<void> {
  const decoder = new TextDecoder();
  const buffer = Buffer.alloc(PIECE_BYTES);
  let position = 0;
  return async () => {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      onText(decoder.decode(buffer.subarray(0, bytesRead), { stream: true }));
    }
  };
}
