import type { ReplayedEvent } from "../aggregate/replay-incarnation.ts";
import { APPROVAL_EVENTS, RESULT_EVENTS, type StackEvent, SYSTEM_EVENTS } from "../machine/event-message.ts";
import { defined, isMap } from "../machine/json.ts";
import type { Machine, MetadataRule } from "../machine/machine.ts";
import { MASK } from "../machine/secrets.ts";
import type { HistoryEntry, StoredHistoryEntry } from "../ports/stack-store.ts";

/**
 * Returns true for lines about the machine instead of the stack, and for lines whose event is not complete in the
 * history.
 */
export function isPassedOver({ event, code = "", outcome, metadata }: StoredHistoryEntry): boolean {
  if (event === SYSTEM_EVENTS.upgradeStack) return true;
  if (outcome === "applied" || outcome === "removed") return false;
  return UNJUDGED.has(code) || (code === "METADATA_INVALID" && JSON.stringify(metadata ?? null).includes('"***"'));
}

const UNJUDGED: ReadonlySet<string> = new Set([
  ...["DUPLICATE", "STACK_UNKNOWN", "MACHINE_MISMATCH", "MACHINE_UNKNOWN", "MACHINE_INVALID", "STATE_UNKNOWN"],
  ...["EVENT_INVALID", "EVENT_RESERVED", "INTERNAL"],
  // The history does not contain the groups of a sender.
  ...["NOT_ALLOWED", "APPROVAL_REPEATED", "COMMENT_REQUIRED"],
]);

/** Returns the effect of an event according to its line. */
export function toBefore({ outcome, code, to, sent }: StoredHistoryEntry): ReplayedEvent {
  if (outcome === "removed") return { outcome, state: null, sent };
  if (outcome === "applied") return { outcome, state: to ?? null, sent };
  const told = outcome === "ignored" ? outcome : "refused";
  return { outcome: told, ...defined({ code }), state: to ?? null, sent };
}

/** Returns the event of a history line. A sensitive value is replaced by the text of its reference. */
export function toReplayEvent(entry: HistoryEntry): StackEvent {
  const { stackId, at, event: name, eventId: id, task, description, retryable, actor, reason, timer, raisedBy } = entry;
  return {
    id,
    stackId,
    name,
    at,
    origin: findOrigin(entry),
    ...defined({ description, retryable, actor, reason, timerId: timer }),
    ...defined({
      task: task === undefined ? undefined : { name: task },
      dispatchId: entry.dispatchId ?? findDispatchId(entry),
      metadata: toPlain(entry.metadata),
      // The code of a line that was applied is that of the task's failure, else that of the refusal.
      code: isApplied(entry) ? entry.code : undefined,
      confirm: entry.confirmed ? stackId : undefined,
      raised: raisedBy === undefined ? undefined : { eventId: raisedBy, step: 1 },
      isAllowed: APPROVAL_EVENTS.has(name) && isApplied(entry) ? (true as const) : undefined,
    }),
    ...toOutputs(entry),
    ...OPERATORS_FIELDS.get(name),
  };
}

/** Fields that these events require and that no other event may have. */
const OPERATORS_FIELDS: ReadonlyMap<string, Partial<StackEvent>> = new Map<string, Partial<StackEvent>>([
  [SYSTEM_EVENTS.settleTask, { as: "succeeded" }],
  [SYSTEM_EVENTS.removeStack, { force: true }],
]);

function toOutputs({ outputs }: HistoryEntry): Partial<StackEvent> {
  if (!isMap(outputs)) return {};
  const sensitiveOutputs = Object.keys(outputs).filter((key) => isHidden(outputs[key]));
  return { outputs: Object.fromEntries(Object.entries(outputs).map(toPlainEntry)), sensitiveOutputs };
}

/** Matches the ids of events that stores and workers create for an attempt: a prefix and the id of the attempt. */
const ANSWER_ID = /^(?:result|cancelled|deadline|cancel):(.+)$/s;

function findDispatchId({ event, eventId, internal }: HistoryEntry): string | undefined {
  return internal && RESULT_EVENTS.has(event) ? ANSWER_ID.exec(eventId)?.[1] : undefined;
}

function findOrigin(entry: HistoryEntry): StackEvent["origin"] {
  if (entry.timer !== undefined) return "timer";
  if (entry.raisedBy !== undefined) return "engine";
  return findDispatchId(entry) === undefined ? "external" : "worker";
}

function isApplied({ outcome }: HistoryEntry): boolean {
  return outcome === "applied" || outcome === "removed";
}

/** Returns true for a value that a line does not show. */
export function isHidden(value: unknown): boolean {
  return value === MASK || (isMap(value) && typeof value["$secret"] === "string");
}

function toPlain(value: unknown): unknown {
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(toPlainEntry)) : value;
}

function toPlainEntry([key, value]: [string, unknown]): [string, unknown] {
  return [key, isMap(value) && typeof value["$secret"] === "string" ? value["$secret"] : value];
}

/**
 * Returns the machine for a replay, in which sensitive keys accept any value and remain sensitive. The history contains
 * references instead of sensitive values. They match no type, pattern or range, and each new value of a key has another
 * reference.
 */
export function relaxSecrets(machine: Machine, secretKeys: readonly string[]): Machine {
  const { keys } = machine.metadata;
  const relaxed = new Map<string, MetadataRule>();
  for (const [key, rule] of keys) relaxed.set(key, isSecret(key, rule, secretKeys) ? relax(rule) : rule);
  return { ...machine, metadata: { ...machine.metadata, keys: relaxed } };
}

function isSecret(key: string, { sensitive }: MetadataRule, secretKeys: readonly string[]): boolean {
  return sensitive || secretKeys.includes(key);
}

function relax({ type, pattern, enum: _, minimum, maximum, immutable, ...rule }: MetadataRule): MetadataRule {
  return { ...rule, immutable: false };
}
