import type { AttemptView, LoadedStack, ParkedEvent, StoredStack } from "@stackyard/core/engine";
import { explainStack, type listParked, toPrinted } from "@stackyard/core/engine";
import type { Static } from "typebox";
import { toInstant } from "../schemas/common.ts";
import type {
  ListedParkedEvent,
  ParkedEvent as ParkedEventSchema,
  Reachable,
  StackDetails,
  StackSummary,
  Waiting,
  Wait as WaitSchema,
} from "../schemas/stack.ts";
import { toAttempt } from "./to-attempt.ts";

/** What a stack is explained with, besides itself. */
export type StackFacts = Omit<Parameters<typeof explainStack>[0], "stack" | "parked" | "attempts"> & {
  readonly attempts: readonly AttemptView[];
};

/** A stack as a list shows it. With facts, also what it waits for. */
export function toStackSummary({ stack, version }: StoredStack, waiting?: Waiting): StackSummary {
  const printed = toPrinted.stack(stack);
  const { tasks, lastFailure } = printed;
  return {
    ...toFields(printed, version),
    tasks: tasks.map((task) => ({ ...task })),
    ...(lastFailure && { lastFailure: toFailure(lastFailure) }),
    ...(waiting === undefined ? {} : { waiting }),
  };
}

/** What a stack waits for, in one sentence and as programs read it. */
export function toWaiting(loaded: LoadedStack, facts: StackFacts, now: number): Waiting | undefined {
  const { stack, parked } = loaded;
  if (stack === undefined) return undefined;
  const { summary, waitsFor } = explainStack({ ...facts, stack, parked }, now);
  return { summary, ...(waitsFor && { waitsFor: toWait(waitsFor) }) };
}

/** A stack with all that tells why it stands where it stands. Undefined: there is none. */
export function toStackDetails(loaded: LoadedStack, facts: StackFacts, now: number): StackDetails | undefined {
  const { stack, version, parked } = loaded;
  if (stack === undefined) return undefined;
  const { summary, waitsFor, tasks, attempts, lastFailure, reachable } = explainStack({ ...facts, stack, parked }, now);
  return {
    ...toFields(toPrinted.stack(stack), version),
    summary,
    ...(waitsFor && { waitsFor: toWait(waitsFor) }),
    ...(lastFailure && { lastFailure: toExplainedFailure(lastFailure) }),
    ...(reachable && { reachable: toReachable(reachable) }),
    tasks: tasks.map(({ attempt, waitsFor: own, ...task }) => ({
      ...task,
      ...(own && { waitsFor: toWait(own) }),
      ...(attempt === undefined ? {} : { attempt: toAttempt(attempt) }),
    })),
    attempts: attempts.map(toAttempt),
    parked: parked.map(toParked),
    timers: stack.timers.map(({ id, event, dueAt, task }) => ({
      ...{ id, event, dueAt: toInstant(dueAt) },
      ...(task === undefined ? {} : { task }),
    })),
  };
}

type Explanation = ReturnType<typeof explainStack>;
type EngineReachable = NonNullable<Explanation["reachable"]>;
type EngineFailure = NonNullable<Explanation["lastFailure"]>;

function toFailure({ at, resolvedAt, ...failure }: NonNullable<StoredStack["stack"]["lastFailure"]>) {
  return {
    ...failure,
    at: toInstant(at),
    ...(resolvedAt === undefined ? {} : { resolvedAt: toInstant(resolvedAt) }),
  };
}

function toExplainedFailure({ missed, ...failure }: EngineFailure): NonNullable<StackDetails["lastFailure"]> {
  return { ...toFailure(failure), ...(missed && { missed: toReachable(missed) }) };
}

function toReachable({ states, removal }: EngineReachable): Static<typeof Reachable> {
  return { states: [...states], removal };
}

type EngineWait = NonNullable<Explanation["waitsFor"]>;

function toWait({ at, tasks, events, ...wait }: EngineWait): Static<typeof WaitSchema> {
  return {
    ...wait,
    ...(tasks && { tasks: [...tasks] }),
    ...(events && { events: [...events] }),
    ...(at === undefined ? {} : { at: toInstant(at) }),
  };
}

function toFields(stack: StoredStack["stack"], version: number): Omit<StackSummary, "tasks" | "lastFailure"> {
  const { id, machine, machineHash, state, previousState, metadata, life, entry, stalled, failed, overdue } = stack;
  return {
    ...{ id, machine, machineHash, state, previousState, life, entry, version },
    metadata: { ...metadata },
    createdAt: toInstant(stack.createdAt),
    updatedAt: toInstant(stack.updatedAt),
    enteredAt: toInstant(stack.enteredAt),
    ...(stalled === undefined ? {} : { stalled: { ...stalled } }),
    ...(failed === undefined ? {} : { failed }),
    ...(overdue === undefined ? {} : { overdue }),
  };
}

/** A parked event as the API shows it. */
export function toParked(parked: ParkedEvent): ParkedEventSchema {
  const { event, code, reason, parkedAt, tries, nextTryAt } = parked;
  const { message } = event;
  const machine = message["machine"];
  return {
    eventId: event.id,
    stackId: event.stackId,
    event: String(message["event"] ?? message["action"] ?? ""),
    ...(typeof machine === "string" ? { machine } : {}),
    ...(event.actor === undefined ? {} : { actor: event.actor }),
    code,
    reason,
    tries,
    receivedAt: toInstant(event.receivedAt),
    parkedAt: toInstant(parkedAt),
    nextTryAt: toInstant(nextTryAt),
  };
}

/** A parked event as the list of the yard's parked events shows it. */
export function toListedParked({ parked, stackExists }: ListedParked): ListedParkedEvent {
  return { ...toParked(parked), stackExists };
}

type ListedParked = Awaited<ReturnType<typeof listParked>>["items"][number];
