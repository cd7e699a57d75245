import { StackyardError } from "@stackyard/core";
import { toVersionKey } from "../cells/versions.ts";

/** A part of a list: behind the cursor, so many. */
export interface PageRequest {
  readonly cursor: string | undefined;
  readonly limit: number;
}

interface Named {
  readonly name: string;
  readonly version: string;
}

/** Takes a page of versions. The cursor names the last one of the page before, so what is published meanwhile shifts nothing. */
export function takePage<Version extends Named>(
  versions: readonly Version[],
  { cursor, limit }: PageRequest,
): { readonly items: readonly Version[]; readonly cursor?: string } {
  const behind = cursor === undefined ? undefined : readCursor(cursor);
  const left = versions
    .map((version) => ({ version, key: toVersionKey(version) }))
    .filter(({ key }) => behind === undefined || key > behind)
    .sort((one, other) => (one.key < other.key ? -1 : 1));
  const items = left.slice(0, limit);
  const last = items.at(-1);
  const next = left.length > limit && last !== undefined ? { cursor: toCursor(last.key) } : {};
  return { items: items.map(({ version }) => version), ...next };
}

function toCursor(key: string): string {
  return Buffer.from(key).toString("base64url");
}

/** What is no cursor gives no key of a version. */
function readCursor(cursor: string): string {
  const key = Buffer.from(cursor, "base64url").toString();
  if (/^[a-z0-9][\x21-\x7e]{1,193}$/.test(key) && toCursor(key) === cursor) return key;
  throw new StackyardError("USAGE", "The cursor is not one of an earlier answer.");
}
