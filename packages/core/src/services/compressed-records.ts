import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Records } from "../ports/records.ts";
import { type ChunkedPlace, readChunks, writeChunks } from "../record-chunks.ts";

/** Writes bytes compressed, as records that nothing else writes. Returns the number of records. */
export async function writeCompressed(records: Records, place: ChunkedPlace, bytes: Uint8Array): Promise<number> {
  return writeChunks(records, place, (await promisify(gzip)(bytes)).toString("base64"));
}

/** Returns the bytes of that many records, at most `maxBytes`; undefined when one of the records is missing. */
export async function readCompressed(
  records: Records,
  place: ChunkedPlace,
  { chunks, maxBytes }: { readonly chunks: number; readonly maxBytes: number },
): Promise<Uint8Array | undefined> {
  const text = await readChunks(records, place, chunks);
  return text === undefined ? undefined : promisify(gunzip)(Buffer.from(text, "base64"), { maxOutputLength: maxBytes });
}
