import type { Machine } from "../machine.ts";
import type { StackEvent } from "../message/event.ts";
import { isMap } from "../message/unwrap-body.ts";
import type { SecretHolder } from "../secrets.ts";
import type { TaskState } from "../stack.ts";
import type { Decision } from "./decision.ts";
import { isSensitive } from "./metadata-rules.ts";

/** Shorter values would blot out half of every text. */
const MIN_CHARACTERS = 4;

/** The sensitive values that a stack holds, and those that an event brings. */
export function listSecretValues(
  machine: Machine,
  holder: SecretHolder | undefined,
  event: StackEvent,
): readonly unknown[] {
  const brought = listBrought(machine, event);
  return holder === undefined ? brought : [...listHeldSecrets(holder), ...brought];
}

/** The sensitive values that a stack holds. */
export function listHeldSecrets({ secretVersions, keptSecrets, metadata }: SecretHolder): readonly unknown[] {
  if (secretVersions === undefined && keptSecrets === undefined) return [];
  return [...Object.keys(secretVersions ?? {}).map((key) => metadata[key]), ...Object.values(keptSecrets ?? {})];
}

/** A text with `***` in the place of every occurrence of these values. */
export function maskText(values: readonly unknown[], text: string): string {
  if (values.length === 0) return text;
  let masked = text;
  for (const secret of toTexts(values)) masked = masked.replaceAll(secret, "***");
  return masked;
}

/** Tasks without these values in what they say; the same list where there are none. */
export function maskTasks(values: readonly unknown[], tasks: readonly TaskState[]): readonly TaskState[] {
  if (values.length === 0) return tasks;
  return tasks.map((task) => {
    return task.errorMessage === undefined ? task : { ...task, errorMessage: maskText(values, task.errorMessage) };
  });
}

/** A decision without these values in its reasons and notes. */
export function maskDecision(values: readonly unknown[], decision: Decision): Decision {
  if (values.length === 0) return decision;
  if (decision.kind !== "applied") return { ...decision, reason: maskText(values, decision.reason) };
  const notes = decision.notes.map((note) => maskText(values, note));
  const { stalled, ...stack } = decision.stack;
  if (stalled === undefined) return { ...decision, notes };
  return { ...decision, notes, stack: { ...stack, stalled: { ...stalled, reason: maskText(values, stalled.reason) } } };
}

function listBrought(machine: Machine, { metadata, outputs, sensitiveOutputs = [] }: StackEvent): readonly unknown[] {
  if (machine.metadata.keys.size === 0 && sensitiveOutputs.length === 0) return [];
  const brought = isMap(metadata) ? Object.entries(metadata) : [];
  const given = Object.entries(outputs ?? {});
  return [
    ...brought.filter(([key]) => isSensitive(machine.metadata, key)).map(([, value]) => value),
    ...given.filter(([name]) => sensitiveOutputs.includes(name)).map(([, value]) => value),
  ];
}

/** As they may stand in a text: bare and as JSON writes them; the longest first, so that none is masked in part. */
function toTexts(values: readonly unknown[]): readonly string[] {
  const texts = new Set<string>();
  for (const value of values) {
    if (value === null || value === undefined || typeof value === "object") continue;
    const text = String(value);
    texts.add(text).add(JSON.stringify(text).slice(1, -1));
  }
  return [...texts].filter((text) => text.length >= MIN_CHARACTERS).sort((a, b) => b.length - a.length);
}
