import { findNumber, findText, type SimCall } from "../sim-call.ts";
import { type Bucket, compareKeys, openBucket, type StoredObject } from "./buckets.ts";
import { s3Faults } from "./s3-faults.ts";

const MAX_KEYS = 1_000;
const TOKEN = "after:";

/**
 * ListObjectsV2. API reference: at most 1,000 keys an answer whatever is asked for, in the order of UTF-8 bytes; keys below
 * a delimiter are rolled up and count as one; `StartAfter` counts on the first page only; the token is opaque.
 */
export function listObjects(buckets: ReadonlyMap<string, Bucket>, call: SimCall): unknown {
  const { objects, name } = openBucket(buckets, call);
  const { input } = call;
  const prefix = findText(input, "Prefix") ?? "";
  const delimiter = findText(input, "Delimiter");
  const after = parseToken(findText(input, "ContinuationToken")) ?? findText(input, "StartAfter") ?? "";
  const maxKeys = Math.min(MAX_KEYS, findNumber(input, "MaxKeys") ?? MAX_KEYS);
  const rows = toRows([...objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys), prefix, delimiter);
  const following = rows.filter(({ last }) => compareKeys(last, after) > 0);
  const page = following.slice(0, maxKeys);
  const isTruncated = page.length < following.length;
  const contents = page.flatMap(({ key }) => objects.get(key ?? "") ?? []);
  const prefixes = page.flatMap(({ common }) => (common === undefined ? [] : [{ Prefix: common }]));
  return {
    Name: name,
    Prefix: prefix,
    MaxKeys: maxKeys,
    KeyCount: page.length,
    IsTruncated: isTruncated,
    ...(contents.length === 0 ? {} : { Contents: contents.map(toContent) }),
    ...(prefixes.length === 0 ? {} : { CommonPrefixes: prefixes }),
    ...(isTruncated ? { NextContinuationToken: toToken(page.at(-1)?.last ?? "") } : {}),
  };
}

interface Row {
  readonly key?: string;
  readonly common?: string;
  /** The last key that the row stands for: the next page begins after it. */
  readonly last: string;
}

function toRows(keys: readonly string[], prefix: string, delimiter: string | undefined): readonly Row[] {
  if (delimiter === undefined) return keys.map((key) => ({ key, last: key }));
  const rows: Row[] = [];
  for (const key of keys) {
    const end = key.indexOf(delimiter, prefix.length);
    const common = end === -1 ? undefined : key.slice(0, end + delimiter.length);
    if (common === undefined) rows.push({ key, last: key });
    else if (rows.at(-1)?.common === common) rows.splice(-1, 1, { common, last: key });
    else rows.push({ common, last: key });
  }
  return rows;
}

function toContent({ key, size, etag, modifiedAt }: StoredObject) {
  return { Key: key, Size: size, ETag: etag, LastModified: new Date(modifiedAt), StorageClass: "STANDARD" };
}

function toToken(key: string): string {
  return Buffer.from(TOKEN + key).toString("base64url");
}

function parseToken(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const text = Buffer.from(token, "base64url").toString();
  if (!text.startsWith(TOKEN)) throw s3Faults.invalidToken();
  return text.slice(TOKEN.length);
}
