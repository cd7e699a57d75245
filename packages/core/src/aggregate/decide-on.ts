import { decideEvent } from "../access/decide-event.ts";
import { decide, decideWithoutMachine, machineNameFor } from "../machine/decide/decide.ts";
import { type Decision, effectOf, type Ignored, type Rejected } from "../machine/decide/decision.ts";
import { isSent, type StackEvent, toEventKey } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import type { Machine } from "../machine/machine.ts";
import type { HeldBack, Stack } from "../machine/stack.ts";
import type { ApplyOptions, Work } from "./apply-options.ts";
import { findLost, listHeldNotes, withHeldBack } from "./held-back.ts";
import { findRepeat } from "./incarnation.ts";
import { isNeeds, type Needs } from "./parked-tries.ts";
import { pickRandom } from "./pick-random.ts";
import { planInputs } from "./plan-inputs.ts";
import { findReleaseFault } from "./release-event.ts";
import type { Round } from "./round.ts";
import type { FoundMachine, WantedMachine } from "./stack-input.ts";
import { isStanding } from "./timer-event.ts";

/** A decision, and notes about the machine that it was made on. */
export interface NotedDecision {
  readonly decision: Decision;
  readonly notes: readonly string[];
  /** The machine; undefined when none was needed or found. */
  readonly machine?: Machine;
  /** No machine was found for the stack: its revision is lost. */
  readonly lost?: HeldBack | undefined;
}

/** Decides an event on the stack as the unit of work has it. */
export function decideOn(work: Work, event: StackEvent): NotedDecision | Needs {
  const { options, round } = work;
  const key = toEventKey(event);
  if (round.appliedIds.has(key) || round.knownIds.has(key)) {
    const reason = `Event ${event.id} was applied before.`;
    return { decision: { kind: "ignored", code: "DUPLICATE", reason }, notes: [] };
  }
  const noted = findStalePlan(work, event) ?? decideOnStack(options, round, event);
  if (isNeeds(noted)) return noted;
  const { decision, machine } = noted;
  const effect = effectOf(decision);
  if (effect === undefined) return withoutRepeat(work, event, noted);
  if (!effect.removed && machine !== undefined) work.revisions.add(machine.hash);
  return { ...noted, decision: pickRandom(decision, options.random) };
}

/** Ignores an event that would be parked, and repeats the one before it. */
function withoutRepeat({ options, round }: Work, event: StackEvent, noted: NotedDecision): NotedDecision {
  const { decision, machine } = noted;
  if (decision.kind !== "rejected" || decision.code !== "EVENT_NOT_HANDLED") return noted;
  // Only what would be parked is not kept: a queue that delivers refused events again does that with repeats too.
  const isKept = options.keepsRepeats === true || options.refusedEvents !== "park";
  return { ...noted, decision: (isKept ? undefined : findRepeat(round, event, machine)) ?? decision };
}

/** Refuses an event whose sender has seen a plan of it, when it would do something else now. */
function findStalePlan({ options, round, apply }: Work, event: StackEvent): NotedDecision | Needs | undefined {
  const { id, stackId, at: receivedAt, sender, own, plan, message: { plan: _, ...message } = {} } = event;
  if (plan === undefined) return undefined;
  const { stack, loaded, parked } = round;
  // The plan is that it waits.
  if (parked.has(toEventKey(event))) return undefined;
  const aggregate = { stackId, version: loaded.version, parked: [...parked.values()], ...defined({ stack }) };
  const queued = { id, stackId, origin: "external", receivedAt, message, ...defined({ sender, own }) } as const;
  const input = { kind: "delivery", stackId, delivery: { event: queued, deliveries: 1 } } as const;
  const knownIds = new Set([...round.knownIds, ...round.appliedIds]);
  const planned = planInputs(apply, aggregate, [input], {
    ...options,
    knownIds,
    parkedEvents: round.parkedEvents,
  });
  if (isNeeds(planned)) return planned;
  if (planned.digest === plan) return undefined;
  const now = planned.events.map(({ event: name, outcome, state }) => `${name} ${outcome}, then ${state ?? "removed"}`);
  const reason = `The stack is not as it was planned. Now: ${now.join("; ")}. Make another dry run.`;
  return { decision: { kind: "rejected", code: "PLAN_STALE", reason }, notes: [] };
}

function decideOnStack(
  { machines, ...options }: Pick<ApplyOptions, "machines" | "limits" | "left">,
  round: Round,
  event: StackEvent,
): NotedDecision | Needs {
  const { stack } = round;
  const name = machineNameFor(stack, event);
  const refused = findReleaseFault(round, event) ?? findInternal(event, name) ?? findStale(event, stack);
  if (refused !== undefined) return { decision: refused, notes: [] };
  const early = decideWithoutMachine(stack, event, options.left);
  if (early !== undefined) return askWhatIsLeft(options, early, { isForced: true }) ?? { decision: early, notes: [] };
  if (name === undefined) return { decision: toUnknownStack(event), notes: [] };
  const found = requireMachine({ machines }, { name, stack, event });
  if (isNeeds(found)) return found;
  if ("error" in found) throw found.error;
  const lost = findLost(found, { name, stack, event });
  if (found.kind === "missing") return { decision: { ...found, kind: "rejected" }, notes: [], lost };
  const { machine } = found;
  const decided = decideWithLeft(options, { machine, stack, event });
  if (isNeeds(decided)) return decided;
  const decision = toBackward(decided, found);
  const notes = listHeldNotes(stack, decision, found);
  return { decision: withHeldBack(decision, found), notes, machine };
}

/**
 * Decides an event on a machine. A decision that would remove the stack needs to know first what is left of what was made
 * for it.
 */
export function decideWithLeft(
  { limits, left }: Pick<ApplyOptions, "limits" | "left">,
  {
    machine,
    stack,
    event,
  }: { readonly machine: Machine; readonly stack: Stack | undefined; readonly event: StackEvent },
): Decision | Needs {
  const decision = decide(machine, stack, event, limits, left);
  if (!machine.semantics.asksWhatIsLeft) return decision;
  return askWhatIsLeft({ left }, decision, { isForced: false }) ?? decision;
}

/** Asks what is left of what was made for a stack that would be removed, if that is not known yet. */
function askWhatIsLeft(
  { left }: Pick<ApplyOptions, "left">,
  decision: Decision,
  { isForced }: { readonly isForced: boolean },
): Needs | undefined {
  const effect = effectOf(decision);
  if (left !== undefined || effect?.removed !== true) return undefined;
  return { kind: "needs", missing: { kind: "left", machine: effect.stack.machine, isForced } };
}

/** Returns the machine of an event, or that it must be looked up. */
export function requireMachine({ machines }: Pick<ApplyOptions, "machines">, wanted: WantedMachine) {
  return machines(wanted) ?? ({ kind: "needs", missing: { kind: "machine", wanted } } as const);
}

/** Refuses an event from outside that no sender may send, or none over that channel. Those that a replay decides again were allowed. */
function findInternal(event: StackEvent, machine: string | undefined): Rejected | undefined {
  if (!isSent(event) || event.isAllowed) return undefined;
  const answer = decideEvent({ ...event, machine, channel: event.sender?.channel });
  const isRefused = answer.kind === "internal" || answer.kind === "closed";
  return isRefused ? { kind: "rejected", code: "NOT_ALLOWED", reason: answer.reason } : undefined;
}

/** Ignores the event of a timer that was parked or dead-lettered, and whose timer is not there any more. */
function findStale(event: StackEvent, stack: Stack | undefined): Ignored | undefined {
  const { timerId } = event;
  if (timerId === undefined || isStanding(stack, { ...event, timerId })) return undefined;
  const reason = `The timer "${timerId}" has ended with its state, or is armed for another instant.`;
  return { kind: "ignored", code: "TIMER_STALE", reason };
}

function toUnknownStack({ stackId }: StackEvent): Decision {
  return { kind: "ignored", code: "STACK_UNKNOWN", reason: `Unknown stack "${stackId}".` };
}

/**
 * Replaces `EVENT_UNDECLARED` if the newest revision may declare the event: the event is parked, or its reason names
 * the upgrade.
 */
function toBackward(decision: Decision, { undeclared }: Extract<FoundMachine, { kind: "found" }>): Decision {
  if (undeclared === undefined || decision.kind !== "rejected" || decision.code !== "EVENT_UNDECLARED") return decision;
  return { ...decision, ...undeclared };
}
