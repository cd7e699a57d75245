import { defined, type Stack } from "@stackyard/core";
import type {
  Attempt,
  ListedParkedEvent,
  MainCondition,
  ParkedEvent,
  StackDetails,
  StackSummary,
  Wait,
  Waiting,
} from "@stackyard/core/api";
import {
  type AttemptView,
  type ExplainInput,
  type Explanation,
  evaluateHealth,
  explainStack,
  findStall,
  type ListedDeed,
  type ListedParkedEvent as ListedParked,
  type LoadedStack,
  listDeeds,
  type ParkedHead,
  type StoredStack,
  toEventName,
  toParkedId,
  toPersonId,
  toPrinted,
} from "@stackyard/core/engine";
import { toApprovals } from "./approval.ts";
import { toInstant } from "./event.ts";

/** Converts an attempt to the API's format, without token and log. */
export function toAttempt(view: AttemptView): Attempt {
  const { token: _, log: __, dispatchedAt, deadlineAt, leaseUntil, pollDueAt, opensAt, ...rest } = view;
  return {
    ...rest,
    dispatchedAt: toInstant(dispatchedAt),
    deadlineAt: toInstant(deadlineAt),
    ...defined({ leaseUntil: toInstant(leaseUntil), pollDueAt: toInstant(pollDueAt), opensAt: toInstant(opensAt) }),
    hasLog: view.hasLog === true,
  };
}

/** The facts that explain a stack, in addition to the stack. */
export type StackFacts = Omit<ExplainInput, "stack" | "parked" | "attempts"> & {
  readonly attempts: readonly AttemptView[];
};

/** The part of a listed stack that is not in its record. */
export interface StackReason extends Waiting {
  readonly mainCondition: MainCondition;
  readonly tasks: Explanation["tasks"];
}

/** Converts a stack to a row of a list. With a reason, includes what it waits for. */
export function toStackSummary({ stack, version }: StoredStack, reason?: StackReason): StackSummary {
  const printed = toPrinted.stack(stack);
  const { tasks, lastFailure } = printed;
  return {
    ...toFields(printed, version),
    tasks,
    ...(lastFailure && { lastFailure: toFailure(lastFailure) }),
    ...(reason && toReasonFields(reason)),
  };
}

function toReasonFields(reason: StackReason): Pick<StackSummary, "mainCondition" | "waiting"> {
  const { mainCondition, tasks: _, ...waiting } = reason;
  return { mainCondition, waiting };
}

/** Explains what a stack waits for, in one sentence and as data. */
export function toWaiting(loaded: LoadedStack, facts: StackFacts, now: number): StackReason | undefined {
  const { stack, parked } = loaded;
  if (stack === undefined) return undefined;
  const { summary, task, waitsFor, tasks } = explainStack({ ...facts, stack, parked }, now);
  const { main: mainCondition } = evaluateHealth(stack, parked.length);
  return { summary, mainCondition, tasks, ...(task && { task }), ...(waitsFor && { waitsFor: toWait(waitsFor) }) };
}

/** Loads a stack with everything that explains its present state; undefined when it does not exist. */
export function toStackDetails(loaded: LoadedStack, facts: StackFacts, now: number): StackDetails | undefined {
  const { stack, version, parked } = loaded;
  if (stack === undefined) return undefined;
  const explained = explainStack({ ...facts, stack, parked }, now);
  const { summary, parts, waitsFor, tasks, attempts, lastFailure, reachable } = explained;
  const printed = toPrinted.stack(stack);
  return {
    ...toFields(printed, version),
    summary,
    parts: parts.map(toPart),
    mainCondition: evaluateHealth(stack, parked.length).main,
    ...(waitsFor && { waitsFor: toWait(waitsFor) }),
    ...(stack.deeds && { deeds: listDeeds(stack).map(toDeed) }),
    ...(lastFailure && { lastFailure: toFailure(lastFailure) }),
    ...defined({ reachable }),
    tasks: tasks.map(({ attempt, waitsFor: own, ...task }) => ({
      ...task,
      ...(own && { waitsFor: toWait(own) }),
      ...defined({ attempt: attempt && toAttempt(attempt) }),
    })),
    ...(printed.approvals && { approvals: toApprovals(printed) }),
    attempts: attempts.map(toAttempt),
    parked: parked.map(toParked),
    timers: printed.timers.map(toTimer),
  };
}

function toDeed({ eventId, verdict, deed }: ListedDeed): NonNullable<StackDetails["deeds"]>[number] {
  const { event, at, restedAt, keys, lacks = {} } = deed;
  return {
    eventId,
    event,
    at: toInstant(at),
    ...defined({ restedAt: toInstant(restedAt) }),
    verdict,
    keys: Object.keys(keys),
    lacks: Object.entries(lacks).map(([task, lack]) => ({ task, ...lack })),
  };
}

function toTimer({
  id,
  event,
  dueAt,
  task,
  refused,
  skipped,
}: Stack["timers"][number]): StackDetails["timers"][number] {
  const { at: refusedAt = 0, givenUpAt, ...why } = refused ?? { code: "", reason: "" };
  return {
    id,
    event,
    dueAt: toInstant(dueAt),
    ...defined({ task }),
    ...(refused && { refused: { ...why, at: toInstant(refusedAt), ...defined({ givenUpAt: toInstant(givenUpAt) }) } }),
    ...(skipped && { skipped: { ...skipped, at: toInstant(skipped.at) } }),
  };
}

function toFailure<Failure extends NonNullable<StoredStack["stack"]["lastFailure"]>>({
  at,
  resolvedAt,
  answeredAt,
  acknowledged,
  ...failure
}: Failure) {
  return {
    ...failure,
    at: toInstant(at),
    ...defined({
      resolvedAt: toInstant(resolvedAt),
      answeredAt: toInstant(answeredAt),
      acknowledged: acknowledged && { ...acknowledged, at: toInstant(acknowledged.at) },
    }),
  };
}

type EngineWait = NonNullable<Explanation["waitsFor"]>;

function toPart({ since, next, ...part }: Explanation["parts"][number]): StackDetails["parts"][number] {
  return {
    ...part,
    ...defined({ since: toInstant(since) }),
    ...(next && { next: { ...next, at: toInstant(next.at) } }),
  };
}

function toWait({ at, ...wait }: EngineWait): Wait {
  return { ...wait, ...defined({ at: toInstant(at) }) };
}

function toFields(stack: StoredStack["stack"], version: number): Omit<StackSummary, "tasks" | "lastFailure"> {
  const { id, machine, machineHash, state, previousState, metadata, incarnation, entry, failed } = stack;
  const { degraded, overdue, needsPerson } = evaluateHealth(stack);
  return {
    id,
    machine,
    machineHash,
    state,
    previousState,
    incarnation,
    entry,
    version,
    metadata,
    createdAt: toInstant(stack.createdAt),
    updatedAt: toInstant(stack.updatedAt),
    enteredAt: toInstant(stack.enteredAt),
    ...defined({
      stalled: findStall(stack),
      failed,
      overdue: overdue || undefined,
      degraded: degraded || undefined,
      needsPerson: needsPerson || undefined,
    }),
    ...(stack.releases && { releases: toReleases(stack.releases) }),
  };
}

function toReleases(releases: NonNullable<StoredStack["stack"]["releases"]>): NonNullable<StackSummary["releases"]> {
  const shown = Object.entries(releases).map(([key, { createdAt, at, ...release }]) => {
    return [key, { ...release, createdAt: toInstant(createdAt), at: toInstant(at) }] as const;
  });
  return Object.fromEntries(shown);
}

/** Converts a parked event to the API's format. */
export function toParked(parked: ParkedHead): ParkedEvent {
  const { event, code, reason, parkedAt, tries, nextTryAt } = parked;
  const { message } = event;
  const { machine } = message;
  return {
    eventId: event.id,
    stackId: event.stackId,
    event: toEventName(event.message) ?? "",
    ...(typeof machine === "string" ? { machine } : {}),
    ...defined({ actor: event.actor, actorId: toPersonId(event) }),
    code,
    reason,
    tries,
    receivedAt: toInstant(event.receivedAt),
    parkedAt: toInstant(parkedAt),
    nextTryAt: toInstant(nextTryAt),
  };
}

/** Converts a parked event to a row of the yard's list. */
export function toListedParked({ parked, stackExists }: ListedParked): ListedParkedEvent {
  return { id: toParkedId(parked.event), ...toParked(parked), stackExists };
}
