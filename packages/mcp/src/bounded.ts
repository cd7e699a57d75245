import { findCut } from "@stackyard/core";

/** A value that fits, and whether something of it is missing. */
interface Bounded {
  readonly value: unknown;
  readonly isCut: boolean;
}

/** The sizes to which a value is cut, from the first try to the last. */
const TRIES = [
  { text: 4_096, items: 200, depth: 12 },
  { text: 1_024, items: 50, depth: 10 },
  { text: 512, items: 20, depth: 8 },
  { text: 200, items: 10, depth: 6 },
  { text: 100, items: 3, depth: 4 },
] as const;

type Limits = (typeof TRIES)[number];

/** Returns the bytes of a value as JSON. */
export function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? "");
}

/**
 * Returns a JSON value of at most so many bytes as JSON: first long texts are cut, then long lists, then what is deep. Each cut
 * names how much is missing.
 */
export function toBounded(value: unknown, maxBytes: number): Bounded {
  if (sizeOf(value) <= maxBytes) return { value, isCut: false };
  for (const limits of TRIES) {
    const cut = cutValue(value, limits, 0);
    if (sizeOf(cut) <= maxBytes) return { value: cut, isCut: true };
  }
  return { value: `[cut: ${sizeOf(value)} bytes]`, isCut: true };
}

function cutValue(value: unknown, limits: Limits, depth: number): unknown {
  if (typeof value === "string") return cutBytes(value, limits.text);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= limits.depth) return `[cut: ${sizeOf(value)} bytes]`;
  if (Array.isArray(value)) return cutList(value, limits, depth);
  const entries = Object.entries(value);
  const kept = entries.slice(0, limits.items).map(([key, each]) => {
    return [cutBytes(key, limits.text), cutValue(each, limits, depth + 1)] as const;
  });
  const missing = entries.length - kept.length;
  return Object.fromEntries(missing === 0 ? kept : [...kept, ["[cut]", `${missing} more keys`]]);
}

function cutList(list: readonly unknown[], limits: Limits, depth: number): readonly unknown[] {
  const kept = list.slice(0, limits.items).map((each) => cutValue(each, limits, depth + 1));
  const missing = list.length - kept.length;
  return missing === 0 ? kept : [...kept, `[cut: ${missing} more]`];
}

/** Returns the beginning of a text that has at most so many bytes, and what is missing. */
function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= maxBytes) return text;
  const end = findCut(bytes, maxBytes);
  return `${bytes.toString("utf8", 0, end)}[cut: ${bytes.byteLength - end} more bytes]`;
}
