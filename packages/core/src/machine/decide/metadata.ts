import { isMap, type StackEvent } from "../event-message.ts";
import type { Machine, MetadataRule, MetadataRules } from "../machine.ts";
import type { Metadata, MetadataValue, Stack } from "../stack.ts";
import type { Rejected } from "./decision.ts";
import type { RefusedPattern } from "./metadata-pattern.ts";

/** A change of metadata that was checked but not stored. */
export interface MetadataChange {
  /** All of it, as it would be. */
  readonly metadata: Metadata;
  /** What was set, also where the value is the one from before. */
  readonly keys: readonly string[];
}

/** What an event changes of the metadata. For the first one of a stack that is the defaults too. */
export interface BroughtMetadata extends MetadataChange {
  /** The keys that stand in the event itself. */
  readonly own: readonly string[];
}

/** Metadata that an event brings, or why it may not. */
export type Brought = ({ readonly kind: "brought" } & BroughtMetadata) | Rejected;

/**
 * Checks what an event brings: first that it is flat and not too large, then the machine's rules. A stack that begins gets
 * the defaults of keys that its first event does not bring, and must have the required ones.
 */
export function checkBrought(machine: Machine, stack: Stack | undefined, event: StackEvent): Brought {
  const rules = machine.metadata;
  const merged = mergeMetadata(stack?.metadata ?? listDefaults(rules), event.metadata);
  if (merged.kind === "rejected") return merged;
  const { metadata } = merged;
  const own = isMap(event.metadata) ? Object.keys(event.metadata) : NO_KEYS;
  const fault = findMetadataFault(rules, { next: metadata, keys: own, present: stack?.metadata ?? {} });
  if (fault !== undefined) return { kind: "rejected", ...fault };
  const missing = stack === undefined ? findMissingFault(rules, metadata) : undefined;
  if (missing !== undefined) return { kind: "rejected", code: "METADATA_INVALID", reason: missing };
  return { kind: "brought", metadata, own, keys: stack === undefined ? Object.keys(metadata) : own };
}

/** The keys that this event must bring and does not, as a refusal; that the stack has them already does not count. */
export function findUnbrought(machine: Machine, { name, metadata }: StackEvent): Rejected | undefined {
  const required = machine.requiredMetadata.get(name) ?? NO_KEYS;
  const missing = required.filter((key) => !isBrought(metadata, key)).map((key) => JSON.stringify(key));
  if (missing.length === 0) return undefined;
  const reason = `"${name}" must bring ${missing.join(" and ")} in its metadata.`;
  return { kind: "rejected", code: "EVENT_METADATA_REQUIRED", reason };
}

function isBrought(metadata: unknown, key: string): boolean {
  return isMap(metadata) && Object.hasOwn(metadata, key) && metadata[key] !== null && metadata[key] !== undefined;
}

const NO_KEYS: readonly string[] = [];

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

/** Why metadata is refused; the reason tells no sensitive value. */
export interface MetadataFault {
  readonly code: "METADATA_INVALID" | "PATTERN_NOT_LINEAR";
  readonly reason: string;
}

/**
 * Returns why keys may not take the values that they have in `next`; undefined: they may. `present` is the metadata before.
 * `PATTERN_NOT_LINEAR` is a fault of the machine: a revision that was kept from before has a pattern that nothing may run.
 */
export function findMetadataFault(
  rules: MetadataRules,
  { next, keys, present }: { readonly next: Metadata; readonly keys: readonly string[]; readonly present: Metadata },
): MetadataFault | undefined {
  for (const key of keys) {
    const before = Object.hasOwn(present, key) ? present[key] : undefined;
    const value = next[key] ?? null;
    const fault = findValueFault(rules, key, value, before);
    if (fault !== undefined)
      return { code: "METADATA_INVALID", reason: `The metadata key ${JSON.stringify(key)} ${fault}.` };
    const pattern = rules.keys.get(key)?.pattern;
    if (value !== null && pattern?.kind === "not-linear") return toUnsearchable(key, pattern);
  }
  return undefined;
}

/** The first required key that a new stack has no value for, as a sentence; undefined when there is none. */
export function findMissingFault(rules: MetadataRules, metadata: Metadata): string | undefined {
  for (const [key, { required }] of rules.keys) {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
    if (required && (value ?? null) === null) return `The metadata key ${JSON.stringify(key)} is required.`;
  }
  return undefined;
}

/** What a stack begins with. */
export function listDefaults(rules: MetadataRules): Metadata {
  const defaults: Record<string, MetadataValue> = {};
  for (const [key, rule] of rules.keys) if (rule.default !== undefined) defaults[key] = rule.default;
  return defaults;
}

/** True when nobody may see what this key holds. */
export function isSensitive(rules: MetadataRules, key: string): boolean {
  return rules.keys.get(key)?.sensitive === true;
}

function findValueFault(
  { keys, additional }: MetadataRules,
  key: string,
  value: MetadataValue,
  present: MetadataValue | undefined,
): string | undefined {
  const rule = keys.get(key);
  if (rule === undefined) return additional ? undefined : "is not declared, and the machine allows no others";
  const isSet = present !== undefined && present !== null;
  if (rule.immutable && isSet && value !== present) return "is immutable and has a value already";
  if (value === null) return rule.required ? "is required and may not be null" : undefined;
  return (
    findTypeFault(rule, value) ?? findEnumFault(rule, value) ?? findTextFault(rule, value) ?? findRange(rule, value)
  );
}

function findTypeFault({ type }: MetadataRule, value: MetadataValue): string | undefined {
  return type === undefined || typeof value === type ? undefined : `must be a ${type}, not a ${typeof value}`;
}

const MAX_LISTED = 12;

function findEnumFault({ enum: allowed, sensitive }: MetadataRule, value: MetadataValue): string | undefined {
  if (allowed === undefined || allowed.includes(value)) return undefined;
  if (sensitive) return "is none of the values that are allowed";
  const shown = allowed.slice(0, MAX_LISTED).map((each) => JSON.stringify(each));
  return `must be one of ${shown.join(", ")}${allowed.length > MAX_LISTED ? ", …" : ""}`;
}

function findTextFault({ pattern }: MetadataRule, value: MetadataValue): string | undefined {
  if (pattern === undefined || pattern.kind === "not-linear") return undefined;
  const found = typeof value === "string" ? pattern.search(value) : "not-found";
  if (found === "too-long") return `is too long to be searched for the pattern ${pattern.source}`;
  return found === "found" ? undefined : `does not match the pattern ${pattern.source}`;
}

function toUnsearchable(key: string, { construct }: RefusedPattern): MetadataFault {
  const reason = `The pattern of the metadata key ${JSON.stringify(key)} uses ${construct}, which cannot be searched in linear time. Correct the machine and upgrade the stack.`;
  return { code: "PATTERN_NOT_LINEAR", reason };
}

function findRange({ minimum, maximum }: MetadataRule, value: MetadataValue): string | undefined {
  const number = typeof value === "number" ? value : Number.NaN;
  if (minimum !== undefined && !(number >= minimum)) return `must be a number of at least ${minimum}`;
  if (maximum !== undefined && !(number <= maximum)) return `must be a number of at most ${maximum}`;
  return undefined;
}
