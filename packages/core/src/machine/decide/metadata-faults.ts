import type { MetadataRule, MetadataRules } from "../machine.ts";
import type { Metadata, MetadataValue } from "../stack.ts";
import type { RefusedPattern } from "./metadata-pattern.ts";

/** Why metadata is refused; the reason contains no sensitive value. */
interface MetadataFault {
  readonly code: "METADATA_INVALID" | "PATTERN_NOT_LINEAR";
  readonly reason: string;
}

/**
 * Returns why keys may not take their values in `next`; undefined when they may. `present` is the metadata before.
 * `PATTERN_NOT_LINEAR` is a fault of the machine: an older stored revision has a pattern that must not be run.
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

/** Returns why an event may not bring these keys; undefined when it may. */
export function findReadOnlyFault(rules: MetadataRules, keys: readonly string[]): MetadataFault | undefined {
  const closed = keys.find((key) => rules.keys.get(key)?.readOnly === true);
  if (closed === undefined) return undefined;
  const reason = `The metadata key ${JSON.stringify(closed)} is read-only: outputs of tasks and "set" write it, and no event brings it. Leave it out.`;
  return { code: "METADATA_INVALID", reason };
}

/** Returns a sentence about the first required key without a value in a new stack; undefined when all have one. */
export function findMissingFault(rules: MetadataRules, metadata: Metadata): string | undefined {
  for (const [key, { required }] of rules.keys) {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
    if (required && (value ?? null) === null) return `The metadata key ${JSON.stringify(key)} is required.`;
  }
  return undefined;
}

/** Returns the metadata with which a stack begins. */
export function listDefaults(rules: MetadataRules): Metadata {
  const defaults: Record<string, MetadataValue> = {};
  for (const [key, rule] of rules.keys) if (rule.default !== undefined) defaults[key] = rule.default;
  return defaults;
}

/** Returns true when the value of this key must remain hidden. */
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
  if (sensitive) return "is not an allowed value";
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
