import { byteSizeOf, type OutgoingMessage } from "./outgoing-message.ts";
import { MAX_ENTRIES } from "./sqs-limits.ts";

/**
 * Messages as batches that are sent one after the other: at most ten, and no more bytes than the medium takes. Where order
 * counts no batch has two messages of a group: of a batch some entries may fail, and one that is sent again would come after
 * those behind it.
 */
export function toWaves(
  messages: readonly OutgoingMessage[],
  { maxBytes, ordered }: { readonly maxBytes: number; readonly ordered: boolean },
): readonly (readonly OutgoingMessage[])[] {
  const waves: Wave[] = [];
  const next = new Map<string, number>();
  for (const message of messages) {
    const bytes = byteSizeOf(message);
    const from = ordered ? (next.get(message.groupId) ?? 0) : Math.max(0, waves.length - 1);
    const place = findPlace(waves, from, bytes, maxBytes);
    const wave = waves[place] ?? addWave(waves);
    wave.messages.push(message);
    wave.bytes += bytes;
    if (ordered) next.set(message.groupId, place + 1);
  }
  return waves.map((wave) => wave.messages);
}

interface Wave {
  readonly messages: OutgoingMessage[];
  bytes: number;
}

function findPlace(waves: readonly Wave[], from: number, bytes: number, maxBytes: number): number {
  const place = waves.findIndex((wave, index) => {
    return index >= from && wave.messages.length < MAX_ENTRIES && wave.bytes + bytes <= maxBytes;
  });
  return place === -1 ? waves.length : place;
}

function addWave(waves: Wave[]): Wave {
  const wave: Wave = { messages: [], bytes: 0 };
  waves.push(wave);
  return wave;
}
