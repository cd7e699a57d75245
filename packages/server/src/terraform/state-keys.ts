import { createHash } from "node:crypto";

const HEADS = "terraform-state/head/";
const DATA = "terraform-state/data/";
const MAX_READABLE = 300;

/** The beginning of the keys of all heads whose state keys begin so. Good for prefixes of up to 300 encoded characters. */
export function headPrefixOf(prefix: string): string {
  return `${HEADS}${encodeURIComponent(prefix).slice(0, MAX_READABLE)}`;
}

/** The record that holds everything about a state but its content. */
export function headKeyOf(key: string): string {
  return `${HEADS}${nameOf(key)}`;
}

/** The beginning of the keys of a state's content, in order of versions. */
export function dataPrefixOf(key: string): string {
  return `${DATA}${nameOf(key)}/`;
}

/** One part of the content of a version. */
export function chunkKeyOf(key: string, version: number, blob: string, index: number): string {
  return `${dataPrefixOf(key)}${pad(version, 10)}/${blob}/${pad(index, 4)}`;
}

/** The version that a chunk belongs to. */
export function versionOfChunk(key: string, chunkKey: string): number {
  return Number(chunkKey.slice(dataPrefixOf(key).length).split("/")[0]);
}

/** Readable and sorted as far as it goes, and different for different keys. A record's key has 512 characters at most. */
function nameOf(key: string): string {
  const digest = createHash("sha256").update(key, "utf8").digest("hex").slice(0, 32);
  return `${encodeURIComponent(key).slice(0, MAX_READABLE)}~${digest}`;
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, "0");
}
