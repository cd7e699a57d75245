import { isMap, type StackEvent } from "../event-message.ts";
import type { Machine } from "../machine.ts";
import { findSecretRef, listSecretRefs, MASK, readSecrets, type SecretHolder } from "../secrets.ts";
import type { Metadata, MetadataValue, Stack, TaskState } from "../stack.ts";
import type { Decision } from "./decision.ts";
import { isSensitive, type MetadataChange } from "./metadata.ts";
import { parseAttemptId } from "./open-runs.ts";

/**
 * The stack with its metadata changed. A sensitive key gets a new version with each value, and the value from before is
 * kept until `pruneSecrets` finds that nothing refers to it.
 */
export function withMetadata(machine: Machine, stack: Stack, { metadata, keys }: MetadataChange): Stack {
  const changed = metadata === stack.metadata ? stack : { ...stack, metadata };
  if (keys.length === 0) return changed;
  const secret = keys.filter((key) => isSensitive(machine.metadata, key) || isVersioned(stack, key));
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

/** The stack with a version for each value whose key has become sensitive with a new revision of the machine. */
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

/** A reference for a sensitive output of a task, and the stack that keeps its value. */
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

/** The stack without kept values that neither an open run nor an output refers to. */
export function pruneSecrets(stack: Stack): Stack {
  const { keptSecrets, ...rest } = stack;
  if (keptSecrets === undefined) return stack;
  const needed = new Set([
    ...stack.runs.flatMap(({ secrets = [] }) => secrets),
    ...listSecretRefs(stack.outputs ?? {}),
  ]);
  const entries = Object.entries(keptSecrets).filter(([ref]) => needed.has(ref));
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

/** The sensitive values that stacks hold, such as one before and after an event, and those that the event brings. */
export function listSecretValues(
  machine: Machine | undefined,
  holders: readonly (SecretHolder | undefined)[],
  event: StackEvent,
): readonly unknown[] {
  const stacks = holders.filter((holder) => holder !== undefined);
  // Most stacks hold none and may hold none, and their events are many.
  if (!mayHoldSecrets(machine, stacks, event)) return NONE;
  return [...stacks.flatMap(listHeldSecrets), ...listBrought(machine, stacks, event)];
}

/** The sensitive values that a stack holds. */
export function listHeldSecrets({ secretVersions, keptSecrets, metadata }: SecretHolder): readonly unknown[] {
  if (secretVersions === undefined && keptSecrets === undefined) return [];
  return [...Object.keys(secretVersions ?? {}).map((key) => metadata[key]), ...Object.values(keptSecrets ?? {})];
}

/** True for a key that the machine declares sensitive, or that a stack holds as such. */
export function isSecretKey(machine: Machine | undefined, stacks: readonly SecretHolder[], key: string): boolean {
  if (machine !== undefined && isSensitive(machine.metadata, key)) return true;
  return stacks.some(({ secretVersions }) => secretVersions !== undefined && Object.hasOwn(secretVersions, key));
}

/**
 * Returns the names of a result's outputs that must not be shown: those that the worker names, and those that become
 * sensitive metadata. An attempt decides which task it is; senders may name another one beside it.
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
 * Returns a result from outside with the outputs named as sensitive that hold a whole sensitive value, of the stack or of
 * the result itself. A worker names its own, because it knows what its attempt was given; a sender's word does not count.
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

/** A text with `***` in the place of every occurrence of these values. */
export function maskText(values: readonly unknown[], text: string): string {
  return createMaskText(values)(text);
}

/** Tasks without these values in what they say; the same list where there are none. */
export function maskTasks(values: readonly unknown[], tasks: readonly TaskState[]): readonly TaskState[] {
  if (values.length === 0) return tasks;
  const mask = createMaskText(values);
  return tasks.map((task) => {
    return task.errorMessage === undefined ? task : { ...task, errorMessage: mask(task.errorMessage) };
  });
}

/** A decision without these values in its reasons and notes. */
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

/** Shorter values are left: they would stand in nearly every text, and masking them would tell where. */
const SHORTEST = 4;

/**
 * Masks values of four characters or more, also as JSON writes them in a text; of values with several lines each line
 * too, because logs come line by line.
 */
export function createMaskText(values: Iterable<unknown>): MaskText {
  const needles = toNeedles(values, toForms);
  if (needles.length === 0) return (text) => text;
  // The longest first, so that of two values that begin alike nothing of the longer one is left.
  const ordered = [...needles].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((masked, needle) => masked.replaceAll(needle, MASK), text);
}

/** True for a text that quotes a secret value as a whole. */
export type IsQuoting = (text: string) => boolean;

/**
 * Finds values of four characters or more, also as JSON writes them and without the blanks around them; of values with
 * several lines only all lines together, because a single one may be a word that says nothing.
 */
export function createIsQuoting(values: Iterable<unknown>): IsQuoting {
  const needles = toNeedles(values, toWholeForms);
  return (text) => needles.some((needle) => text.includes(needle));
}

/** Deeper is no log line any more, but perhaps a value that holds itself. */
const DEEPEST = 16;

/** As `MaskText`, for every text in a value; what is nested too deep is masked as a whole. */
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
  return [...needles].filter((needle) => needle.length >= SHORTEST);
}

function toForms(text: string): readonly string[] {
  return [text, ...text.split(/\r?\n/).map((line) => line.trim())];
}

function toWholeForms(text: string): readonly string[] {
  return [text, text.trim()];
}

/**
 * The values behind the references that an attempt was dispatched with, out of the record of its stack; without those
 * that are gone. None of a later life under the same id: its references count from 1 again and mean other values.
 */
export function readAttemptSecrets(stack: Stack | undefined, attemptId: string, refs: readonly string[]): Metadata {
  // An attempt's id holds no half of a surrogate pair, which a life may.
  if (stack === undefined || parseAttemptId(attemptId)?.life !== stack.life.toWellFormed()) return {};
  return readSecrets(stack, refs);
}
