import { isMap } from "../message/unwrap-body.ts";
import type { Metadata, MetadataValue } from "../stack.ts";
import type { Rejected } from "./decision.ts";

/** The most that a stack's metadata may hold: bytes of its JSON form in UTF-8. */
export const MAX_METADATA_BYTES = 65_536;

/** Metadata with that of an event laid over it, or why that cannot be. */
export type MergedMetadata = { readonly kind: "merged"; readonly metadata: Metadata } | Rejected;

/**
 * Lays an event's metadata over the stack's: given keys replace, others stay, null is a value. Refuses with
 * `METADATA_NOT_FLAT` what is not a map of scalars and with `METADATA_TOO_LARGE` a result over 64 KiB.
 */
export function mergeMetadata(present: Metadata, brought: unknown): MergedMetadata {
  if (brought === undefined) return { kind: "merged", metadata: present };
  if (!isMap(brought)) return notFlat(`The metadata must be a flat map, not ${describe(brought)}.`);
  const keys = Object.keys(brought);
  if (keys.length === 0) return { kind: "merged", metadata: present };
  const merged: Record<string, MetadataValue> = { ...present };
  for (const key of keys) {
    const value = brought[key];
    if (!isScalar(value)) {
      return notFlat(`The metadata key ${JSON.stringify(key)} holds ${describe(value)}; ${SCALARS}.`);
    }
    if (key === "__proto__") return notFlat('The metadata key "__proto__" is not allowed.');
    merged[key] = value;
  }
  return exceedsBytes(merged, MAX_METADATA_BYTES) ? TOO_LARGE : { kind: "merged", metadata: merged };
}

const SCALARS = "values are strings, numbers, booleans or null";

const TOO_LARGE: Rejected = {
  kind: "rejected",
  code: "METADATA_TOO_LARGE",
  reason: `The stack's metadata would be larger than ${MAX_METADATA_BYTES} bytes.`,
};

function notFlat(reason: string): Rejected {
  return { kind: "rejected", code: "METADATA_NOT_FLAT", reason };
}

/** True for what metadata and outputs may hold. */
export function isScalar(value: unknown): value is MetadataValue {
  if (typeof value === "number") return Number.isFinite(value);
  return value === null || typeof value === "string" || typeof value === "boolean";
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  return typeof value === "number" ? `the number ${value}` : `a value of type ${typeof value}`;
}

/** True when the JSON form of a value has more bytes of UTF-8 than these. */
export function exceedsBytes(value: unknown, maxBytes: number): boolean {
  const text = JSON.stringify(value) ?? "";
  // A UTF-16 unit is at most three bytes in UTF-8, so most values need no second pass.
  if (text.length * 3 <= maxBytes) return false;
  return text.length > maxBytes || utf8BytesOf(text) > maxBytes;
}

function utf8BytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}
