import { defined } from "./machine/json.ts";
import type { Records } from "./ports/records.ts";

/** A record has at most 256 KiB; this leaves room for its key and other characters than those of base64. */
const CHUNK_CHARACTERS = 200_000;

/** Where the records of one text are. */
export interface ChunkedPlace {
  /** Returns the key of the record with this index. */
  keyOf(index: number): string;
  readonly now: number;
}

/**
 * Writes an ASCII text, such as base64, as records that nothing else writes; a text of any length takes one record at
 * least. Returns their number.
 */
export async function writeChunks(
  records: Records,
  { keyOf, now, expiresAt }: ChunkedPlace & { readonly expiresAt?: number },
  text: string,
): Promise<number> {
  const chunks = Math.max(1, Math.ceil(text.length / CHUNK_CHARACTERS));
  for (let index = 0; index < chunks; index += 1) {
    const data = text.slice(index * CHUNK_CHARACTERS, (index + 1) * CHUNK_CHARACTERS);
    await records.put({ key: keyOf(index), value: { data }, expected: "absent", now, ...defined({ expiresAt }) });
  }
  return chunks;
}

/** Returns the text of that many records; undefined when one of them is missing. */
export async function readChunks(
  records: Records,
  { keyOf, now }: ChunkedPlace,
  chunks: number,
): Promise<string | undefined> {
  const parts: string[] = [];
  for (let index = 0; index < chunks; index += 1) {
    const record = await records.get(keyOf(index), now);
    if (record === undefined) return undefined;
    // Only `writeChunks` writes these records.
    parts.push((record.value as { readonly data: string }).data);
  }
  return parts.join("");
}

/** Removes that many records. Those that are missing are skipped. */
export async function removeChunks(records: Records, { keyOf, now }: ChunkedPlace, chunks: number): Promise<void> {
  for (let index = 0; index < chunks; index += 1) {
    const record = await records.get(keyOf(index), now);
    if (record !== undefined) await records.remove(record.key, record.version);
  }
}
