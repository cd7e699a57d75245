import type { AttemptView, LoadedStack, ParkedEvent, StoredStack } from "@stackyard/core/engine";
import { explainStack } from "@stackyard/core/engine";
import type { Static } from "typebox";
import { toInstant } from "../schemas/common.ts";
import type { ParkedEvent as ParkedEventSchema, StackDetails, StackSummary } from "../schemas/stack.ts";
import { toAttempt } from "./to-attempt.ts";

/** A stack as a list shows it. */
export function toStackSummary({ stack, version }: StoredStack): StackSummary {
  return { ...toFields(stack, version), tasks: stack.tasks.map((task) => ({ ...task })) };
}

/** A stack with all that tells why it stands where it stands. Undefined: there is none. */
export function toStackDetails(
  loaded: LoadedStack,
  attempts: readonly AttemptView[],
  now: number,
): StackDetails | undefined {
  const { stack, version, parked } = loaded;
  if (stack === undefined) return undefined;
  const { summary, tasks } = explainStack({ stack, attempts, parked }, now);
  return {
    ...toFields(stack, version),
    summary,
    tasks: tasks.map(({ attempt, ...task }) => ({
      ...task,
      ...(attempt === undefined ? {} : { attempt: toAttempt(attempt) }),
    })),
    attempts: attempts.map(toAttempt),
    parked: parked.map(toParked),
    timers: stack.timers.map(({ dueAt, ...timer }) => ({ ...timer, dueAt: toInstant(dueAt) })),
  };
}

function toFields(stack: StoredStack["stack"], version: number): Omit<StackSummary, "tasks"> {
  const { id, machine, machineHash, state, previousState, metadata, life, entry, stalled, failed } = stack;
  return {
    ...{ id, machine, machineHash, state, previousState, life, entry, version },
    metadata: { ...metadata },
    createdAt: toInstant(stack.createdAt),
    updatedAt: toInstant(stack.updatedAt),
    enteredAt: toInstant(stack.enteredAt),
    ...(stalled === undefined ? {} : { stalled: { ...stalled } }),
    ...(failed === undefined ? {} : { failed }),
  };
}

function toParked(parked: ParkedEvent): Static<typeof ParkedEventSchema> {
  const { event, code, reason, parkedAt, tries, nextTryAt } = parked;
  const { message } = event;
  return {
    eventId: event.id,
    event: String(message["event"] ?? message["action"] ?? ""),
    ...(event.actor === undefined ? {} : { actor: event.actor }),
    ...{ code, reason, tries },
    receivedAt: toInstant(event.receivedAt),
    parkedAt: toInstant(parkedAt),
    nextTryAt: toInstant(nextTryAt),
  };
}
