import type { Machine } from "../machine.ts";
import { createMaskText } from "../mask-text.ts";
import type { StackEvent } from "../message/event.ts";
import { isMap } from "../message/unwrap-body.ts";
import type { SecretHolder } from "../secrets.ts";
import type { TaskState } from "../stack.ts";
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

/** Outputs of a task that nobody may see: those that the worker says, and those that become sensitive metadata. */
export function listHiddenOutputs(
  machine: Machine | undefined,
  { sensitiveOutputs = [] }: StackEvent,
  task: string | undefined,
): readonly string[] {
  const mapped = machine === undefined || task === undefined ? [] : [...(machine.tasks.get(task)?.outputs ?? [])];
  const secret = mapped.filter(([key]) => machine !== undefined && isSensitive(machine.metadata, key));
  return [...sensitiveOutputs, ...secret.map(([, output]) => output)];
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
  const { metadata, outputs = {}, task } = event;
  const brought = isMap(metadata) ? Object.entries(metadata) : [];
  const hidden = listHiddenOutputs(machine, event, task?.name);
  return [
    ...brought.filter(([key]) => isSecretKey(machine, stacks, key)).map(([, value]) => value),
    ...hidden.map((name) => outputs[name]),
  ];
}
