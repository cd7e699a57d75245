import { defined, isMap, type StackEvent, SYSTEM_EVENTS } from "../../machine/event-message.ts";
import { MASK } from "../../machine/secrets.ts";
import type { HistoryEntry } from "../../ports/stack-store.ts";

/** The event that a line of the history was about. In the place of a sensitive value stands the text of its reference. */
export function toReplayEvent(entry: HistoryEntry): StackEvent {
  const { stackId, at, event: name, eventId: id, task, description, retryable, actor, reason, timer } = entry;
  return {
    ...{ id, stackId, name, at, origin: findOrigin(entry) },
    ...defined({ description, retryable, actor, reason, timerId: timer }),
    ...defined({
      task: task === undefined ? undefined : { name: task },
      dispatchId: entry.dispatchId ?? findDispatchId(entry),
      metadata: toPlain(entry.metadata),
      // The code of a line that was applied is that of the task's failure, else that of the refusal.
      code: isApplied(entry) ? entry.code : undefined,
      confirm: entry.confirmed ? stackId : undefined,
    }),
    ...toOutputs(entry),
    ...OPERATORS_FIELDS.get(name),
  };
}

/** What these events must bring, and no others may. */
const OPERATORS_FIELDS: ReadonlyMap<string, Partial<StackEvent>> = new Map<string, Partial<StackEvent>>([
  [SYSTEM_EVENTS.settleTask, { as: "succeeded" }],
  [SYSTEM_EVENTS.removeStack, { force: true }],
]);

function toOutputs({ outputs }: HistoryEntry): Partial<StackEvent> {
  if (!isMap(outputs)) return {};
  const sensitiveOutputs = Object.keys(outputs).filter((key) => isHidden(outputs[key]));
  return { outputs: Object.fromEntries(Object.entries(outputs).map(toPlainEntry)), sensitiveOutputs };
}

/** Ids that stores and workers give to what they say of an attempt, before that attempt's own id. */
const ANSWER_ID = /^(?:result|cancelled|deadline|cancel):(.+)$/s;

const ANSWERS: ReadonlySet<string> = new Set([
  SYSTEM_EVENTS.taskCompleted,
  SYSTEM_EVENTS.taskError,
  SYSTEM_EVENTS.taskCancelled,
  SYSTEM_EVENTS.taskTimedOut,
]);

function findDispatchId({ event, eventId, internal }: HistoryEntry): string | undefined {
  return internal && ANSWERS.has(event) ? ANSWER_ID.exec(eventId)?.[1] : undefined;
}

function findOrigin(entry: HistoryEntry): StackEvent["origin"] {
  if (entry.timer !== undefined) return "timer";
  return findDispatchId(entry) === undefined ? "external" : "worker";
}

function isApplied({ outcome }: HistoryEntry): boolean {
  return outcome === "applied" || outcome === "removed";
}

function isHidden(value: unknown): boolean {
  return value === MASK || (isMap(value) && typeof value["$secret"] === "string");
}

function toPlain(value: unknown): unknown {
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(toPlainEntry)) : value;
}

function toPlainEntry([key, value]: [string, unknown]): [string, unknown] {
  return [key, isMap(value) && typeof value["$secret"] === "string" ? value["$secret"] : value];
}
