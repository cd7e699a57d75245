import type { Machine } from "../machine.ts";
import { createIsQuoting, createMaskText } from "../mask-text.ts";
import type { StackEvent } from "../message/event.ts";
import { isMap } from "../message/unwrap-body.ts";
import type { SecretHolder } from "../secrets.ts";
import type { TaskState } from "../stack.ts";
import { parseAttemptId } from "./attempt-id.ts";
import type { Decision } from "./decision.ts";
import { isSensitive } from "./metadata-rules.ts";

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
