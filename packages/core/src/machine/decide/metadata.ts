import { toEncodedForms } from "../encoded-forms.ts";
import { parseAttemptId, type StackEvent } from "../event-message.ts";
import { isMap } from "../json.ts";
import type { Machine, MetadataRule, MetadataRules } from "../machine.ts";
import { findSecretRef, listSecretRefs, MASK, type SecretHolder } from "../secrets.ts";
import type { Metadata, MetadataValue, Stack, TaskState } from "../stack.ts";
import type { Decision, Rejected } from "./decision.ts";
import type { RefusedPattern } from "./metadata-pattern.ts";

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
  const fault = findMetadataFault(rules, { next: metadata, keys: own, present: stack?.metadata ?? {} });
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

/**
 * Returns the stack with its metadata changed. A sensitive key gets a new version with each value, and the earlier
 * value is kept until `pruneSecrets` finds no reference to it.
 */
export function withMetadata(machine: Machine, stack: Stack, { metadata, keys }: MetadataChange): Stack {
  const changed = metadata === stack.metadata ? stack : { ...stack, metadata };
  if (keys.length === 0) return changed;
  const secret = keys.filter((key) => {
    const isSecret = isSensitive(machine.metadata, key) || isVersioned(stack, key);
    return isSecret && !(isVersioned(stack, key) && presentValue(stack.metadata, key) === metadata[key]);
  });
  if (secret.length === 0) return changed;
  const kept = secret.flatMap((key) => {
    const ref = findSecretRef(stack, key);
    return ref === undefined ? [] : [[ref, stack.metadata[key] ?? null] as const];
  });
  const versions = secret
    .filter((key) => (metadata[key] ?? null) !== null)
    .map((key) => [key, versionOf(stack, key) + 1] as const);
  return withKept(
    versions.length === 0
      ? changed
      : { ...changed, secretVersions: { ...stack.secretVersions, ...Object.fromEntries(versions) } },
    Object.fromEntries(kept),
  );
}

/**
 * Returns the stack with a version for each value whose key has become sensitive with a new revision of the machine.
 */
export function adoptSecrets(machine: Machine, stack: Stack): Stack {
  if (machine.metadata.keys.size === 0) return stack;
  const fresh = [...machine.metadata.keys]
    .filter(
      ([key, rule]) =>
        rule.sensitive && !isVersioned(stack, key) && (presentValue(stack.metadata, key) ?? null) !== null,
    )
    .map(([key]) => [key, 1] as const);
  if (fresh.length === 0) return stack;
  return { ...stack, secretVersions: { ...stack.secretVersions, ...Object.fromEntries(fresh) } };
}

/** Returns a reference for a sensitive output of a task, and the stack that contains its value. */
export function keepOutput(
  stack: Stack,
  { task, output, value }: { readonly task: string; readonly output: string; readonly value: MetadataValue },
): { readonly stack: Stack; readonly ref: string } {
  const prefix = `tasks.${task}.outputs.${output}#`;
  const taken = Object.keys(stack.keptSecrets ?? {})
    .filter((ref) => ref.startsWith(prefix))
    .map((ref) => Number(ref.slice(prefix.length)));
  // The entry begins the count, so that a number of an entry that was left does not come back.
  const ref = `${prefix}${Math.max(stack.entry, ...taken.map((number) => number + 1))}`;
  return { stack: withKept(stack, { [ref]: value }), ref };
}

/** Returns the stack without kept values that neither an open run nor an output refers to. */
export function pruneSecrets(stack: Stack): Stack {
  const { keptSecrets, ...rest } = stack;
  if (keptSecrets === undefined) return stack;
  const needed = new Set([
    ...stack.runs.flatMap(({ secrets = [] }) => secrets),
    ...listSecretRefs(stack.outputs ?? {}),
  ]);
  const entries = Object.entries(keptSecrets).filter(([ref]) => needed.has(ref));
  if (entries.length === Object.keys(keptSecrets).length) return stack;
  return entries.length === 0 ? rest : { ...rest, keptSecrets: Object.fromEntries(entries) };
}

function withKept(stack: Stack, kept: Metadata): Stack {
  if (Object.keys(kept).length === 0) return stack;
  return { ...stack, keptSecrets: { ...stack.keptSecrets, ...kept } };
}

function isVersioned({ secretVersions }: Stack, key: string): boolean {
  return secretVersions !== undefined && Object.hasOwn(secretVersions, key);
}

function versionOf(stack: Stack, key: string): number {
  return isVersioned(stack, key) ? (stack.secretVersions?.[key] ?? 0) : 0;
}

function presentValue(metadata: Metadata, key: string): MetadataValue | undefined {
  return Object.hasOwn(metadata, key) ? metadata[key] : undefined;
}

/** Returns the sensitive values of stacks, such as one before and after an event, and those of the event. */
export function listSecretValues(
  machine: Machine | undefined,
  holders: readonly (SecretHolder | undefined)[],
  event: StackEvent,
): readonly unknown[] {
  const stacks = holders.filter((holder) => holder !== undefined);
  // Most stacks have no secrets and cannot have any, and their events are many.
  if (!mayHoldSecrets(machine, stacks, event)) return NONE;
  return [...stacks.flatMap(listHeldSecrets), ...listBrought(machine, stacks, event)];
}

/** Returns the sensitive values of a stack. */
export function listHeldSecrets({ secretVersions, keptSecrets, metadata }: SecretHolder): readonly unknown[] {
  if (secretVersions === undefined && keptSecrets === undefined) return [];
  return [...Object.keys(secretVersions ?? {}).map((key) => metadata[key]), ...Object.values(keptSecrets ?? {})];
}

/** Returns true for a key that the machine declares sensitive, or that a stack stores as sensitive. */
export function isSecretKey(machine: Machine | undefined, stacks: readonly SecretHolder[], key: string): boolean {
  if (machine !== undefined && isSensitive(machine.metadata, key)) return true;
  return stacks.some(({ secretVersions }) => secretVersions !== undefined && Object.hasOwn(secretVersions, key));
}

/**
 * Returns the names of a result's outputs that must not be shown: those that the worker names, and those that become
 * sensitive metadata. The attempt decides which task it is, even if the sender names another one.
 */
export function listHiddenOutputs(machine: Machine | undefined, event: StackEvent): readonly string[] {
  const { sensitiveOutputs = [], dispatchId, task } = event;
  if (machine === undefined) return sensitiveOutputs;
  const tasks = new Set([task?.name, dispatchId === undefined ? undefined : parseAttemptId(dispatchId)?.task]);
  const mapped = [...tasks].flatMap((name) =>
    name === undefined ? [] : [...(machine.tasks.get(name)?.outputs ?? [])],
  );
  const secret = mapped.filter(([key]) => isSensitive(machine.metadata, key));
  return [...sensitiveOutputs, ...secret.map(([, output]) => output)];
}

/**
 * Returns a result from outside and adds to its sensitive outputs those that contain a whole sensitive value, of the
 * stack or of the result itself. A worker names its own, because it has the secrets of its attempt; a sender's list is
 * not trusted.
 */
export function withQuotedOutputs(machine: Machine, stack: SecretHolder | undefined, event: StackEvent): StackEvent {
  const { outputs, origin } = event;
  if (origin !== "external" || outputs === undefined) return event;
  const values = listSecretValues(machine, [stack], event);
  if (values.length === 0) return event;
  const isQuoting = createIsQuoting(values);
  const quoting = Object.keys(outputs).filter((name) => isQuoting(toText(outputs[name])));
  return quoting.length === 0 ? event : { ...event, sensitiveOutputs: quoting };
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** Returns a text with every occurrence of these values replaced by `***`. */
export function maskText(values: readonly unknown[], text: string): string {
  return createMaskText(values)(text);
}

/** Masks these values in the messages of tasks. Returns the same list when there are no values. */
export function maskTasks(values: readonly unknown[], tasks: readonly TaskState[]): readonly TaskState[] {
  if (values.length === 0) return tasks;
  const mask = createMaskText(values);
  return tasks.map((task) => {
    return task.errorMessage === undefined ? task : { ...task, errorMessage: mask(task.errorMessage) };
  });
}

/** Returns a decision without these values in its reasons and notes. */
export function maskDecision(values: readonly unknown[], decision: Decision): Decision {
  if (values.length === 0) return decision;
  const mask = createMaskText(values);
  if (decision.kind !== "applied") return { ...decision, reason: mask(decision.reason) };
  const notes = decision.notes.map(mask);
  const { stalled, ...stack } = decision.stack;
  if (stalled === undefined) return { ...decision, notes };
  return { ...decision, notes, stack: { ...stack, stalled: { ...stalled, reason: mask(stalled.reason) } } };
}

const NONE: readonly unknown[] = [];

function mayHoldSecrets(
  machine: Machine | undefined,
  stacks: readonly SecretHolder[],
  { sensitiveOutputs }: StackEvent,
): boolean {
  if (sensitiveOutputs !== undefined || (machine !== undefined && machine.metadata.keys.size > 0)) return true;
  return stacks.some(({ secretVersions, keptSecrets }) => secretVersions !== undefined || keptSecrets !== undefined);
}

function listBrought(
  machine: Machine | undefined,
  stacks: readonly SecretHolder[],
  event: StackEvent,
): readonly unknown[] {
  const { metadata, outputs = {} } = event;
  const brought = isMap(metadata) ? Object.entries(metadata) : [];
  const hidden = listHiddenOutputs(machine, event);
  return [
    ...brought.filter(([key]) => isSecretKey(machine, stacks, key)).map(([, value]) => value),
    ...hidden.map((name) => outputs[name]),
  ];
}

/** Replaces every occurrence of secret values in a text by `***`. */
export type MaskText = (text: string) => string;

/** Shorter values are not masked: they occur in nearly every text, and masking them would reveal where. */
const SHORTEST = 4;

/**
 * Masks values of four characters or more, also as JSON writes them in a text and in common encodings; of values with
 * several lines each line too, because logs come line by line.
 */
export function createMaskText(values: Iterable<unknown>): MaskText {
  const needles = toNeedles(values, toForms);
  if (needles.length === 0) return (text) => text;
  // The longest first, so that of two values with the same beginning the longer one is masked completely.
  const ordered = [...needles].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((masked, needle) => masked.replaceAll(needle, MASK), text);
}

/** The largest value that is searched in pieces. */
const LONGEST_SPLIT = 16 * 1024;

/** Returns the whole forms of values that a log may contain in pieces. */
export function listSplitForms(values: Iterable<unknown>): readonly string[] {
  return toNeedles(values, (text) => {
    return text.length < SHORTEST || text.length > LONGEST_SPLIT ? [] : [text, ...toEncodedForms(text)];
  });
}

/** Returns true for a text that quotes a secret value as a whole. */
export type IsQuoting = (text: string) => boolean;

/**
 * Returns a search for values of four characters or more, also in JSON form and without the blanks around them; a value
 * with several lines only matches as a whole, because a single line may be a common word.
 */
export function createIsQuoting(values: Iterable<unknown>): IsQuoting {
  const needles = toNeedles(values, toWholeForms);
  return (text) => needles.some((needle) => text.includes(needle));
}

/** A deeper value is not a plain log line, and may contain itself. */
const DEEPEST = 16;

/** Masks like `MaskText` every text in a value; values that are nested too deep are masked as a whole. */
export function maskTexts(mask: MaskText, value: unknown, depth = 0): unknown {
  if (typeof value === "string") return mask(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (depth === DEEPEST) return MASK;
  if (Array.isArray(value)) return value.map((item) => maskTexts(mask, item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskTexts(mask, inner, depth + 1)]));
}

function toNeedles(values: Iterable<unknown>, toParts: (text: string) => readonly string[]): readonly string[] {
  const needles = new Set<string>();
  for (const value of values) {
    if (typeof value !== "string" && typeof value !== "number") continue;
    for (const part of toParts(String(value))) needles.add(part).add(JSON.stringify(part).slice(1, -1));
  }
  // Blanks alone are in every text.
  return [...needles].filter((needle) => needle.length >= SHORTEST && needle.trim() !== "");
}

function toForms(text: string): readonly string[] {
  return [
    text,
    ...text.split(/\r?\n/).map((line) => line.trim()),
    ...(text.length < SHORTEST ? [] : toEncodedForms(text)),
  ];
}

function toWholeForms(text: string): readonly string[] {
  return [text, text.trim()];
}
