import { parseAttemptId } from "../attempt-id.ts";
import type { StackEvent } from "../event-message.ts";
import { isMap } from "../json.ts";
import type { Machine } from "../machine.ts";
import { createIsQuoting, createMaskText } from "../mask-text.ts";
import { findSecretRef, listSecretRefs, MASK, type SecretHolder } from "../secrets.ts";
import type { Metadata, MetadataValue, Stack, TaskState } from "../stack.ts";
import type { Applied, Decision } from "./decision.ts";
import type { MetadataChange } from "./metadata.ts";
import { isSensitive } from "./metadata-faults.ts";

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

/** What is sensitive, of metadata and of the outputs of a task. */
export interface SensitiveParts {
  readonly isSensitive: (key: string) => boolean;
  readonly listOutputs: (task: string) => readonly string[];
}

/** Returns what is sensitive by documents, and by the revisions of stacks. */
export function toSensitiveParts(machines: readonly Machine[], stacks: readonly SecretHolder[]): SensitiveParts {
  return {
    isSensitive: (key) =>
      isSecretKey(undefined, stacks, key) || machines.some(({ metadata }) => isSensitive(metadata, key)),
    listOutputs: (task) => machines.flatMap((machine) => listSecretOutputs(machine, task)),
  };
}

/**
 * Returns the stack as it may be shown: with a version for each key that is sensitive now, although the stack has not taken
 * that revision yet, and without outputs that become such a key.
 */
export function addSecretsNow({ isSensitive: isSecret, listOutputs }: SensitiveParts, stack: Stack): Stack {
  const { metadata, releases = {}, outputs } = stack;
  const valued = Object.keys(metadata).filter((key) => metadata[key] !== null);
  const keys = new Set([...valued, ...Object.keys(releases)]);
  const fresh = [...keys].filter((key) => !isVersioned(stack, key) && isSecret(key)).map((key) => [key, 1] as const);
  const shown = outputs === undefined ? stack : { ...stack, outputs: hideOutputs(outputs, listOutputs) };
  if (fresh.length === 0) return shown;
  return { ...shown, secretVersions: { ...stack.secretVersions, ...Object.fromEntries(fresh) } };
}

function hideOutputs(
  outputs: NonNullable<Stack["outputs"]>,
  listOutputs: SensitiveParts["listOutputs"],
): NonNullable<Stack["outputs"]> {
  const shown = Object.entries(outputs).map(([task, given]) => {
    const hidden = listOutputs(task).filter((name) => Object.hasOwn(given, name));
    return [task, { ...given, ...Object.fromEntries(hidden.map((name) => [name, MASK])) }] as const;
  });
  return Object.fromEntries(shown);
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
  if (stack.keptSecrets === undefined) return stack;
  const { keptSecrets, ...rest } = stack;
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
  const own = dispatchId === undefined ? undefined : parseAttemptId(dispatchId)?.task;
  const others = own === task?.name ? [] : listSecretOutputs(machine, own);
  return [...sensitiveOutputs, ...listSecretOutputs(machine, task?.name), ...others];
}

/** Returns the outputs of a task that become sensitive metadata. */
export function listSecretOutputs(machine: Machine, task: unknown): readonly string[] {
  const outputs = typeof task === "string" ? machine.tasks.get(task)?.outputs : undefined;
  return [...(outputs ?? [])].flatMap(([key, output]) => (isSensitive(machine.metadata, key) ? [output] : []));
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

/** Masks these values in the messages of tasks. Returns the same list without values. */
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
  if (decision.kind === "applied") return maskApplied(decision, mask);
  const masked = { ...decision, reason: mask(decision.reason) };
  if (masked.kind === "rejected" || masked.moved === undefined) return masked;
  return { ...masked, moved: maskApplied(masked.moved, mask) };
}

function maskApplied(applied: Applied, mask: (text: string) => string): Applied {
  const notes = applied.notes.map(mask);
  const { stalled, ...stack } = applied.stack;
  if (stalled === undefined) return { ...applied, notes };
  return { ...applied, notes, stack: { ...stack, stalled: { ...stalled, reason: mask(stalled.reason) } } };
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
