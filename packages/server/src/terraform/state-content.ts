import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { type Records, StackyardError } from "@stackyard/core";
import { HttpError } from "../http/http-error.ts";
import type { StateVersion } from "./state-head.ts";

const CHUNK_CHARACTERS = 200_000;

/** Where the content of one version lies. */
interface ContentPlace {
  readonly key: string;
  readonly version: number;
  readonly blob: string;
}

/** Writes the content as compressed records; nothing refers to them yet. Gives their number. */
export async function writeContent(
  records: Records,
  { key, version, blob }: ContentPlace,
  { bytes, now }: { readonly bytes: Uint8Array; readonly now: number },
): Promise<number> {
  const text = (await promisify(gzip)(bytes)).toString("base64");
  const chunks = Math.max(1, Math.ceil(text.length / CHUNK_CHARACTERS));
  for (let index = 0; index < chunks; index += 1) {
    const data = text.slice(index * CHUNK_CHARACTERS, (index + 1) * CHUNK_CHARACTERS);
    await records.put({ key: chunkKeyOf(key, version, blob, index), value: { data }, expected: "absent", now });
  }
  return chunks;
}

/** The content of a version, as it was written. Throws `NOT_FOUND` when it was pruned meanwhile. */
export async function readContent(
  records: Records,
  { key, version, maxBytes }: { readonly key: string; readonly version: StateVersion; readonly maxBytes: number },
  now: number,
): Promise<Uint8Array> {
  const parts: string[] = [];
  for (let index = 0; index < version.chunks; index += 1) {
    const record = await records.get(chunkKeyOf(key, version.version, version.blob, index), now);
    if (record === undefined) throw new StackyardError("NOT_FOUND", `Version ${version.version} is not kept any more.`);
    parts.push((record.value as { readonly data: string }).data);
  }
  return promisify(gunzip)(Buffer.from(parts.join(""), "base64"), {
    maxOutputLength: Math.max(maxBytes, version.bytes),
  });
}

/** What Terraform says of itself in a state. Throws `USAGE` (400) for what is no state. */
export function parseStateFacts(bytes: Uint8Array): Pick<StateVersion, "serial" | "lineage" | "terraformVersion"> {
  const value = parseState(bytes);
  const { serial, lineage, terraform_version: version } = value as Readonly<Record<string, unknown>>;
  return {
    ...(Number.isSafeInteger(serial) ? { serial: Number(serial) } : {}),
    ...(typeof lineage === "string" ? { lineage: lineage.slice(0, 255) } : {}),
    ...(typeof version === "string" ? { terraformVersion: version.slice(0, 64) } : {}),
  };
}

function parseState(bytes: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // The parser's message would quote the state, which may hold secrets.
  }
  throw new HttpError(400, "USAGE", "The body is no Terraform state: it is not a JSON object.");
}

/** The top level of a state begins with scalars; numbers further down may be larger than JavaScript can hold. */
const SERIAL = /^(\s*\{(?:[^{}[\]"]|"(?:[^"\\]|\\.)*")*?"serial"\s*:\s*)\d+/;

/** The same state under another serial, all other bytes as they were. */
export function withSerial(bytes: Uint8Array, serial: number): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  return new TextEncoder().encode(text.replace(SERIAL, (_, before: string) => `${before}${serial}`));
}

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
