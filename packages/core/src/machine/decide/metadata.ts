import type { StackEvent } from "../event-message.ts";
import { isMap } from "../json.ts";
import type { Machine } from "../machine.ts";
import type { Metadata, MetadataValue, Stack } from "../stack.ts";
import type { Rejected } from "./decision.ts";
import { findMetadataFault, findMissingFault, findReadOnlyFault, listDefaults } from "./metadata-faults.ts";

/** A change of metadata that was checked but not stored. */
export interface MetadataChange {
  /** All of it, as it would be. */
  readonly metadata: Metadata;
  /** The keys that were set, also those with an unchanged value. */
  readonly keys: readonly string[];
}

/** The changes of an event to the metadata, including the defaults for the first one of a stack. */
export interface BroughtMetadata extends MetadataChange {
  /** The keys in the event itself. */
  readonly own: readonly string[];
}

/** The metadata of an event, or why it is refused. */
type Brought = ({ readonly kind: "brought" } & BroughtMetadata) | Rejected;

/**
 * Checks an event's metadata: first that it is flat and not too large, then the machine's rules. A stack that begins
 * gets the defaults of keys that its first event does not contain, and must have the required ones.
 */
export function checkBrought(machine: Machine, stack: Stack | undefined, event: StackEvent): Brought {
  const rules = machine.metadata;
  const merged = mergeMetadata(stack?.metadata ?? listDefaults(rules), event.metadata);
  if (merged.kind === "rejected") return merged;
  const { metadata } = merged;
  const own = isMap(event.metadata) ? Object.keys(event.metadata) : NO_KEYS;
  const fault =
    findReadOnlyFault(rules, own) ??
    findMetadataFault(rules, { next: metadata, keys: own, present: stack?.metadata ?? {} });
  if (fault !== undefined) return { kind: "rejected", ...fault };
  const missing = stack === undefined ? findMissingFault(rules, metadata) : undefined;
  if (missing !== undefined) return { kind: "rejected", code: "METADATA_INVALID", reason: missing };
  return { kind: "brought", metadata, own, keys: stack === undefined ? Object.keys(metadata) : own };
}

/** Returns a refusal with the required keys that this event lacks; keys of the stack do not count. */
export function findUnbrought(machine: Machine, { name, metadata }: StackEvent): Rejected | undefined {
  const required = machine.requiredMetadata.get(name) ?? NO_KEYS;
  const missing = required.filter((key) => !isBrought(metadata, key)).map((key) => JSON.stringify(key));
  if (missing.length === 0) return undefined;
  const reason = `"${name}" must contain ${missing.join(" and ")} in its metadata.`;
  return { kind: "rejected", code: "EVENT_METADATA_REQUIRED", reason };
}

function isBrought(metadata: unknown, key: string): boolean {
  return isMap(metadata) && Object.hasOwn(metadata, key) && metadata[key] !== null && metadata[key] !== undefined;
}

const NO_KEYS: readonly string[] = [];

/** The maximum size of a stack's metadata: bytes of its JSON form in UTF-8. */
export const MAX_METADATA_BYTES = 65_536;

/** Metadata with that of an event laid over it, or why that cannot be. */
type MergedMetadata = { readonly kind: "merged"; readonly metadata: Metadata } | Rejected;

/**
 * Merges an event's metadata into the stack's: its keys replace, others remain, null is a value. Returns the same
 * object when no value changes. Refuses anything but a
 * map of scalars with `METADATA_NOT_FLAT` and a result over 64 KiB with `METADATA_TOO_LARGE`.
 */
export function mergeMetadata(present: Metadata, brought: unknown): MergedMetadata {
  if (brought === undefined) return { kind: "merged", metadata: present };
  if (!isMap(brought)) return notFlat(`The metadata must be a flat map, not ${describe(brought)}.`);
  const keys = Object.keys(brought);
  if (keys.length === 0) return { kind: "merged", metadata: present };
  const merged: Record<string, MetadataValue> = { ...present };
  let changed = false;
  for (const key of keys) {
    const value = brought[key];
    if (!isScalar(value)) {
      return notFlat(`The metadata key ${JSON.stringify(key)} contains ${describe(value)}; ${SCALARS}.`);
    }
    if (key === "__proto__") return notFlat('The metadata key "__proto__" is not allowed.');
    const kept = toKept(value);
    changed ||= !Object.hasOwn(present, key) || present[key] !== kept;
    merged[key] = kept;
  }
  if (!changed) return { kind: "merged", metadata: present };
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

/** Replaces -0 by 0, as JSON does, so that decisions use the stored value. */
export function toKept(value: MetadataValue): MetadataValue {
  return value === 0 ? 0 : value;
}

/** Returns true for values that metadata and outputs may contain. */
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

/** Returns true when the JSON form of a value has more than `maxBytes` bytes in UTF-8. */
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
