import { applyInputs } from "../aggregate/apply-inputs.ts";
import type { ApplyOptions, DecidedEvent } from "../aggregate/apply-options.ts";
import { chooseMachine, type NewestMachine } from "../aggregate/choose-machine.ts";
import { isNeeds } from "../aggregate/parked-tries.ts";
import { DEFAULT_PARKING } from "../aggregate/parking.ts";
import { type InputPlan, planInputs } from "../aggregate/plan-inputs.ts";
import type { FoundMachine, StackInput, WantedMachine } from "../aggregate/stack-input.ts";
import {
  type Attempt,
  type AttemptMove,
  beginAttempt,
  cancelAttempt,
  claimAtBirth,
  closeAttempt,
} from "../attempt/attempt.ts";
import { formatUnknownMachine } from "../machine/decide/decide.ts";
import { type Dispatch, effectOf } from "../machine/decide/decision.ts";
import { DEFAULT_LIMITS } from "../machine/decide/work.ts";
import { type StackEvent, SYSTEM_EVENTS, toEventKey } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import type { Machine } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import { toParkedEvent, toParkedHead } from "../ports/parked-head.ts";
import type { Change, LoadedStack, ParkedEvent, QueuedEvent } from "../ports/stack-store.ts";

/** The most timers that one simulation fires: a timer that starts itself again would never end. */
export const MAX_FIRED = 10_000;

/** Stacks and machines in memory, and the clock that only `advance` moves. */
export interface SimulatedYard {
  /** The newest revision by name; undefined when the newest document has errors. */
  readonly machines: Map<string, Machine | undefined>;
  /** Every revision that was loaded, by hash. */
  readonly revisions: Map<string, Machine>;
  /** When each revision was used first, by hash. */
  readonly seen: Map<string, number>;
  now: number;
  /** The number of timers that may still fire. */
  firesLeft: number;
  /** In the order of creation. */
  readonly stacks: Map<string, Stack>;
  /** Parked events by stack, also of stacks that do not exist, by their keys. */
  readonly parked: Map<string, Map<string, ParkedEvent>>;
  /** Keys of events by stack; they outlive its removal. */
  readonly appliedIds: Map<string, Set<string>>;
  /** Open attempts. Each is claimed as it begins, because a simulation's workers are never busy. */
  readonly attempts: Map<string, Attempt>;
  /** The effects of the step so far, by stack. */
  touched: Map<string, Touch>;
}

/** The effects of a step on one stack. */
export interface Touch {
  readonly dispatched: string[];
  readonly cancelled: string[];
  readonly messages: TaskMessage[];
}

/** Creates a yard without stacks. */
export function createSimulatedYard(machines: ReadonlyMap<string, Machine | undefined>, now: number): SimulatedYard {
  const revisions = [...machines.values()].flatMap((machine) => (machine ? [[machine.hash, machine] as const] : []));
  return {
    machines: new Map(machines),
    revisions: new Map(revisions),
    seen: new Map(),
    now,
    firesLeft: MAX_FIRED,
    stacks: new Map(),
    parked: new Map(),
    appliedIds: new Map(),
    attempts: new Map(),
    touched: new Map(),
  };
}

/** Applies an input as the engine does, takes the change, and applies the events that follow from it. */
export function applyInput(yard: SimulatedYard, input: StackInput): readonly DecidedEvent[] {
  const { stackId } = input;
  const applied = applyInputs(toLoaded(yard, stackId), [input], toOptions(yard, stackId));
  if (isNeeds(applied)) throw allLoaded();
  const { change, decided, faults } = applied;
  for (const error of faults.values()) throw error;
  const events = takeChange(yard, change, decided);
  const followed = events.flatMap((event) =>
    applyInput(yard, { kind: "delivery", stackId, delivery: { event, deliveries: 1 } }),
  );
  return [...decided, ...followed];
}

/** Returns what an input would do, with all that follows at that instant, without applying it. */
export function planInput(yard: SimulatedYard, input: StackInput): InputPlan {
  const { stackId } = input;
  const planned = planInputs(applyInputs, toLoaded(yard, stackId), [input], toOptions(yard, stackId));
  if (isNeeds(planned)) throw allLoaded();
  return planned;
}

function allLoaded(): TypeError {
  return new TypeError("All machines and parked events of a simulation are loaded.");
}

function toOptions(yard: SimulatedYard, stackId: string): ApplyOptions {
  return {
    now: yard.now,
    machines: (wanted) => findMachine(yard, wanted),
    limits: DEFAULT_LIMITS,
    // Retries come as late as they may.
    random: () => 0,
    ids: { next: () => "dead-lettered" },
    parking: DEFAULT_PARKING,
    refusedEvents: "park",
    allowExternalNext: false,
    everyRunnerClaims: true,
    maxDeliveries: Number.POSITIVE_INFINITY,
    knownIds: yard.appliedIds.get(stackId) ?? new Set(),
    // Tasks only seem to run: they make nothing.
    left: [],
    ...defined({ parkedEvents: yard.parked.get(stackId) }),
  };
}

function toLoaded({ stacks, parked }: SimulatedYard, stackId: string): LoadedStack {
  const stack = stacks.get(stackId);
  const version = stack === undefined ? 0 : 1;
  const heads = [...(parked.get(stackId)?.values() ?? [])].map(toParkedHead);
  return { stackId, version, parked: heads, ...(stack && { stack }) };
}

function findMachine(yard: SimulatedYard, { name, stack, event }: WantedMachine): FoundMachine {
  if (isNamed(event)) return findNamed(yard, name, event.to);
  const isUpgrade = event.name === SYSTEM_EVENTS.upgradeStack;
  const own = stack === undefined || isUpgrade ? undefined : yard.revisions.get(stack.machineHash);
  return chooseMachine(own, findNewest(yard, name, own), { stack: isUpgrade ? undefined : stack, event });
}

function findNewest(yard: SimulatedYard, name: string, own: Machine | undefined): NewestMachine {
  const { machines } = yard;
  const machine = machines.get(name);
  if (machine !== undefined) {
    const at = seenAt(yard, machine);
    return { kind: "found", machine, isEarlier: own !== undefined && at < seenAt(yard, own) };
  }
  return machines.has(name)
    ? { kind: "unusable", code: "MACHINE_INVALID", reason: `The machine "${name}" has errors.` }
    : { kind: "unusable", code: "MACHINE_UNKNOWN", reason: formatUnknownMachine(name, machines.keys()) };
}

/** Returns when an event was first decided while a revision was the newest one. */
function seenAt({ seen, now }: SimulatedYard, { hash }: Machine): number {
  const at = seen.get(hash) ?? now;
  seen.set(hash, at);
  return at;
}

function findNamed({ revisions }: SimulatedYard, name: string, hash: string): FoundMachine {
  const machine = revisions.get(hash);
  if (machine?.name === name) return { kind: "found", machine, notes: [] };
  return {
    kind: "missing",
    code: "MACHINE_UNKNOWN",
    reason: `No revision ${hash.slice(0, 12)} of "${name}" was loaded.`,
  };
}

/** Returns true for an upgrade to a named revision. */
function isNamed(event: StackEvent): event is StackEvent & { readonly to: string } {
  return event.name === SYSTEM_EVENTS.upgradeStack && event.to !== undefined;
}

/** Returns the events that the ends of attempts bring. */
function takeChange(yard: SimulatedYard, change: Change, decided: readonly DecidedEvent[]): readonly QueuedEvent[] {
  const { stackId, write } = change;
  if (write.kind === "put") yard.stacks.set(stackId, write.stack);
  if (write.kind === "remove") yard.stacks.delete(stackId);
  const applied = yard.appliedIds.get(stackId) ?? new Set();
  for (const key of change.appliedIds) applied.add(key);
  yard.appliedIds.set(stackId, applied);
  const parked = yard.parked.get(stackId) ?? new Map<string, ParkedEvent>();
  for (const key of change.unpark) parked.delete(key);
  for (const each of change.park) parked.set(toEventKey(each.event), each);
  for (const head of change.retried ?? []) {
    const key = toEventKey(head.event);
    const known = parked.get(key);
    if (known !== undefined) parked.set(key, toParkedEvent(head, known.event.message));
  }
  yard.parked.set(stackId, parked);
  const touch = decided.some(({ decision }) => effectOf(decision) !== undefined)
    ? touchStack(yard, stackId)
    : undefined;
  return takeAttempts(yard, change, touch);
}

function takeAttempts({ attempts }: SimulatedYard, change: Change, touch: Touch | undefined): readonly QueuedEvent[] {
  const { now } = change;
  for (const dispatch of change.dispatches) {
    const { attemptId } = dispatch;
    if (!attempts.has(attemptId)) attempts.set(attemptId, beginAttempt(dispatch, now));
  }
  const events: QueuedEvent[] = [];
  const take = (move: AttemptMove<Attempt> | undefined) => {
    if (move === undefined) return;
    const { attempt } = move;
    if (attempt.status === "settled") attempts.delete(attempt.attemptId);
    else attempts.set(attempt.attemptId, attempt);
    events.push(...move.effects.flatMap((effect) => (effect.kind === "enqueue" ? [effect.event] : [])));
  };
  for (const id of change.endedAttempts) take(closeAttempt(attempts.get(id), now));
  for (const cancel of change.cancels) {
    const attempt = attempts.get(cancel.attemptId);
    if (attempt !== undefined && attempt.token > 0) touch?.cancelled.push(attempt.task);
    take(cancelAttempt(attempt, cancel, now));
  }
  for (const dispatch of change.dispatches) send(attempts, dispatch, touch, now);
  for (const id of change.resends ?? []) takeAgain(attempts, id, touch, now);
  return events;
}

/** Sends the message of an attempt that the same change has not ended, to a worker that takes it at once. */
function send(attempts: Map<string, Attempt>, dispatch: Dispatch, touch: Touch | undefined, now: number): void {
  const { attemptId, message } = dispatch;
  if (!attempts.has(attemptId)) return;
  touch?.messages.push(message);
  takeAgain(attempts, attemptId, touch, now);
}

/** Sends the message of an open attempt again: a worker takes it that has not yet. */
function takeAgain(attempts: Map<string, Attempt>, attemptId: string, touch: Touch | undefined, now: number): void {
  const attempt = attempts.get(attemptId);
  if (attempt === undefined) return;
  touch?.dispatched.push(attempt.task);
  if (attempt.token === 0) attempts.set(attemptId, claimAtBirth(attempt, { owner: "", leaseMs: 0, now }));
}

function touchStack(yard: SimulatedYard, stackId: string): Touch {
  const touch = yard.touched.get(stackId) ?? { dispatched: [], cancelled: [], messages: [] };
  yard.touched.set(stackId, touch);
  return touch;
}
