import { parseJson } from "@stackyard/core";

/** Packs the length of a JSON header, the header, and bytes, so that they are sealed together. */
export function packHeader(header: unknown, rest: Uint8Array): Uint8Array {
  const head = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, rest]);
}

/** Returns the two parts; undefined for anything else. */
export function unpackHeader(bytes: Uint8Array): { readonly header: unknown; readonly rest: Uint8Array } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 4) return undefined;
  const end = 4 + buffer.readUInt32BE(0);
  return { header: parseJson(buffer.subarray(4, end).toString("utf8")), rest: buffer.subarray(end) };
}
