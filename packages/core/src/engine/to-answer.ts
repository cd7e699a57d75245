import { SYSTEM_EVENTS, shortHashOf } from "../machine/event-message.ts";
import { isOwnAttempt, type TaskMessage } from "../machine/task-message.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import { failed } from "../ports/steps.ts";
import { toResultEvent } from "./attempt-result.ts";

/** As many characters as senders may make the id of an event. */
const MAX_ID_CHARACTERS = 255;

/** An answer of a runner without a store. */
export interface Answer {
  readonly event: QueuedEvent;
  /** Outputs that must not be shown, and so cannot travel: only a store keeps them hidden. */
  readonly leftOut: readonly string[];
}

/**
 * The result of an attempt as a sender from outside may give it: what ended because its time was over has failed, sensitive
 * outputs stay behind, and a message without an attempt is answered by the task's name.
 *
 * The answer to an attempt has the id that the runner has drawn: anybody may send an event under one that can be guessed, and
 * the answer would count as its repeat. A repeat of the answer is stale, because the attempt has ended. An answer by the task's
 * name might be taken for a later run's, so its id names the message, and a repeat counts once.
 */
export function toAnswer(result: QueuedEvent, answerId: string): Answer {
  const { sensitiveOutputs, dispatchId, outputs, ...message } = toFailure(result.message);
  const attemptId = typeof dispatchId === "string" ? dispatchId : "";
  const isOwn = isOwnAttempt(attemptId);
  const leftOut = Array.isArray(sensitiveOutputs) ? sensitiveOutputs.map(String) : [];
  const event: QueuedEvent = {
    ...result,
    id: isOwn ? toShortId(result.id) : `answer:${answerId}`,
    origin: "external",
    message: {
      ...message,
      ...(isOwn ? {} : { dispatchId: attemptId }),
      ...(outputs === undefined ? {} : { outputs: without(outputs, leftOut) }),
    },
  };
  return { event, leftOut };
}

/** The answer to a task that did not end in its time. */
export function toTimedOut(
  message: TaskMessage,
  { answerId, now }: { readonly answerId: string; readonly now: number },
): QueuedEvent {
  return toAnswer(toResultEvent(message, failed(TIMED_OUT), { cancelling: false, now }), answerId).event;
}

function toShortId(id: string): string {
  return id.length <= MAX_ID_CHARACTERS ? id : `result:${shortHashOf(id)}`;
}

const TIMED_OUT = {
  code: "TASK_TIMEOUT",
  message: "The task was interrupted: its time, or that of its runner, was over.",
  retryable: true,
};

/** Only the engine may say that a task was cancelled; what is cancelled here has run out of time. */
function toFailure(message: QueuedEvent["message"]): Readonly<Record<string, unknown>> {
  if (message["event"] !== SYSTEM_EVENTS.taskCancelled) return message;
  const { code, message: description, retryable } = TIMED_OUT;
  return { ...message, event: SYSTEM_EVENTS.taskError, code, description, retryable };
}

function without(outputs: unknown, names: readonly string[]): unknown {
  if (typeof outputs !== "object" || outputs === null) return outputs;
  return Object.fromEntries(Object.entries(outputs).filter(([name]) => !names.includes(name)));
}
