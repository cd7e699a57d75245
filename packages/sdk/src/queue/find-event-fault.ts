import type { NewEvent, PublishResult } from "../publisher.ts";

type Refusal = Extract<PublishResult, { kind: "invalid" }>;

/**
 * What the yard's door would say of an event's names. It is checked here, since a queue has no door; the whole parser would
 * bring expressions and schemas into every program that publishes.
 */
export function findEventFault(event: NewEvent): Refusal | undefined {
  const named = { ...NAMES, ...event };
  if (RESERVED.has(named.event)) {
    return { kind: "invalid", code: "EVENT_RESERVED", reason: `"${named.event}" is sent by the engine only.` };
  }
  const key = (Object.keys(NAMES) as (keyof typeof NAMES)[]).find((name) => !isName(named[name]));
  if (key === undefined) return undefined;
  const reason = `"${key}" must be a text of 1 to 255 characters without control characters.`;
  return { kind: "invalid", code: "EVENT_INVALID", reason };
}

/** What an event must or may be named by; a part that is left out is in order. */
const NAMES = { stackId: "", event: "", id: "-", machine: "-" };

/** Sent by the engine only. */
const RESERVED: ReadonlySet<string> = new Set(["NEXT", "TASK_CANCELLED", "TASK_TIMED_OUT", "TASK_RETRY_DUE"]);

function isName(value: unknown): boolean {
  return (
    typeof value === "string" && value !== "" && value.length <= 255 && value.isWellFormed() && !CONTROL.test(value)
  );
}

const CONTROL = /\p{Cc}/u;
