import { type Decision, effectOf, type Ignored, MACHINES_FAULT, type Rejected } from "../machine/decide/decision.ts";
import { leads } from "../machine/decide/deeds.ts";
import { beginsRemoval, isOnWayOut, mayHandleLater, mayHandleNext } from "../machine/decide/way-out.ts";
import { markOf } from "../machine/event-content.ts";
import { type StackEvent, toEventKey } from "../machine/event-message.ts";
import { defined, isMap } from "../machine/json.ts";
import { INIT, type Machine } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { ParkedEvent, ParkedHead, QueuedEvent } from "../ports/stack-store.ts";
import { orderOf } from "./event-order.ts";
import { toUnreadEntry } from "./history-line.ts";
import { isNeeds, type Needs, requireParked } from "./parked-tries.ts";
import { nextTryAt } from "./parking.ts";
import { deadLetters, type RefuseDeps } from "./refuse.ts";
import { hasNoParked, type Round, recordEvent, unpark } from "./round.ts";

// A parked event belongs to one incarnation of its stack. These rules decide to which.

/** One decision, and the stack before it. */
interface Step {
  readonly event: StackEvent;
  readonly decision: Decision;
  readonly before: Stack | undefined;
  readonly machine: Machine | undefined;
}

/**
 * Records on the stack which event leads it, and since when it is on its way out. Call it after each decision, before
 * the event is unparked.
 */
export function followCourse(round: Round, step: Step): void {
  const { stack } = round;
  const { event, decision, before } = step;
  const effect = effectOf(decision);
  if (effect === undefined || stack === undefined) return;
  if (event.raised !== undefined) followRaised(round, stack);
  const isEntered = before === undefined || before.entry !== stack.entry;
  if (!isEntered && effect.raised === undefined) return;
  const { endsFrom } = stack;
  const isLead = leads(event, endsFrom);
  if (!isLead && !isEnding(stack, step)) return;
  const order = orderOf(round, event);
  const followed = round.stack ?? stack;
  const lead = isLead ? { key: toEventKey(event), mark: markOf(event), order, entry: stack.entry } : followed.lead;
  const from = isEntered ? toEndsFrom(stack, step, { order, isLead }) : endsFrom;
  round.stack = withEndsFrom({ ...followed, ...defined({ lead }) }, from);
}

/** Notes the order of the event that began the removal; undefined: no removal is under way. */
function withEndsFrom(stack: Stack, from: number | undefined): Stack {
  const { endsFrom, ...rest } = stack;
  return from === undefined ? rest : { ...stack, endsFrom: from };
}

/** What an event raises is its own effect: the entry to which that leads is the event's. */
function followRaised(round: Round, stack: Stack): void {
  const { lead, entry } = stack;
  if (lead?.entry !== undefined && lead.entry !== entry) round.stack = { ...stack, lead: { ...lead, entry } };
}

/** Returns true when the removal of the stack has begun, or begins with its present state. */
function isEnding({ state, endsFrom }: Stack, { machine }: Step): boolean {
  return endsFrom !== undefined || (machine !== undefined && isOnWayOut(machine, state));
}

/** Returns the order of the event that began the removal, if one is under way in the state that was entered. */
function toEndsFrom(
  { state, endsFrom }: Stack,
  { event, machine }: Step,
  { order, isLead }: { readonly order: number; readonly isLead: boolean },
): number | undefined {
  if (machine === undefined || !isOnWayOut(machine, state)) return undefined;
  return isLead && beginsRemoval(machine, event.name) ? order : (endsFrom ?? order);
}

/**
 * Ends the incarnation of a stack if the last decision removed it: its parked events are dead-lettered. Those that were sent after its
 * removal began are kept, since one of them may begin the next incarnation, and the later ones may be about that one.
 */
export function endIncarnation(
  deps: Pick<RefuseDeps, "ids">,
  round: Round,
  before: Stack | undefined,
): Needs | undefined {
  if (before === undefined || round.stack !== undefined) return undefined;
  const { endsFrom = Number.POSITIVE_INFINITY } = before;
  const [outlived, ended] = partition([...round.parked.values()], ({ event, order = 0 }) => {
    return event.origin === "external" && order > endsFrom;
  });
  for (const { event } of outlived) round.outlived.add(toEventKey(event));
  // A timer ends with the state in which it was armed.
  const [timers, others] = partition(ended, ({ event }) => event.timerId !== undefined);
  for (const { event } of timers) endTimer(round, event);
  return giveUpHeads(deps, round, others, { reason: "The stack was removed." });
}

function endTimer(round: Round, event: ParkedHead["event"]): void {
  unpark(round, event);
  const why = { code: "TIMER_STALE", reason: "The stack was removed.", outcome: "ignored", at: round.now } as const;
  round.history.push(toUnreadEntry({ ...event, message: { ...event.message } }, why));
}

/**
 * Begins an incarnation if the last decision created the stack: events that were parked before the event that began it are dead-lettered. A transport may
 * deliver out of order: those that were sent later are kept.
 */
export function beginIncarnation(
  deps: Pick<RefuseDeps, "ids">,
  round: Round,
  { before, begun }: { readonly before: Stack | undefined; readonly begun: QueuedEvent },
): Needs | undefined {
  if (before !== undefined || round.stack === undefined) return undefined;
  const { machine } = round.stack;
  const order = orderOf(round, begun);
  const key = toEventKey(begun);
  const earlier = [...round.parked].filter(([each, parked]) => {
    // One that waits for another machine is decided again: what its sender needs is the answer.
    const isOfAnother = MACHINES_FAULT.has(parked.code) && parked.event.message.machine !== machine;
    const isEarlier = (parked.order ?? 0) < order && parked.event.receivedAt <= begun.receivedAt;
    return each !== key && isEarlier && !isOfAnother;
  });
  const heads = earlier.map(([, head]) => head);
  // They belong to no stack that will be here, for when they are redriven.
  return giveUpHeads(deps, round, heads, { reason: "It was sent before this stack began.", machine });
}

/** Returns why an event that was dead-lettered, and is sent again under its id, does not act on the present stack. */
export function findFormer(round: Round, queued: QueuedEvent) {
  const { stack, knownIds } = round;
  const { origin, machine, incarnation } = queued;
  if (stack === undefined || origin !== "external" || incarnation === undefined) return undefined;
  // That of another machine is refused as such.
  if (machine !== stack.machine) return undefined;
  const key = toEventKey(queued);
  if (incarnation === stack.incarnation || round.parked.has(key) || knownIds.has(key)) return undefined;
  const reason = "It was for an earlier stack of this id. Send it as a new event if the present one is to handle it.";
  return { code: "STACK_ENDED", reason };
}

/**
 * Dead-letters an event that has outlived its stack and does not begin another. Returns false for other events, and
 * while a correction of the machine may still let it begin one.
 */
export function giveUpOutlived(
  deps: Pick<RefuseDeps, "ids">,
  round: Round,
  { queued, decision, before }: { readonly queued: QueuedEvent; readonly decision: Decision; readonly before: unknown },
): boolean {
  if (before !== undefined || hasNoParked(round)) return false;
  const key = toEventKey(queued);
  const parked = round.parked.get(key);
  if (parked === undefined || !round.outlived.has(key)) return false;
  if (decision.kind === "applied" || decision.code === "DUPLICATE" || MACHINES_FAULT.has(decision.code)) return false;
  const reason = "The stack was removed, and the event does not begin a new one.";
  giveUpParked(deps, round, { ...parked, event: queued }, reason);
  return true;
}

/** Dead-letters parked events, with `machine` as events of a stack of that machine which is gone. */
function giveUpHeads(
  deps: Pick<RefuseDeps, "ids">,
  round: Round,
  heads: readonly ParkedHead[],
  { reason, machine }: { readonly reason: string; readonly machine?: string },
): Needs | undefined {
  const parked: ParkedEvent[] = [];
  for (const [place, head] of heads.entries()) {
    const found = requireParked(round, head, () => heads.slice(place + 1));
    if (isNeeds(found)) return found;
    parked.push(found);
  }
  for (const { event, ...each } of parked) {
    const owned = machine === undefined ? event : { ...event, machine, incarnation: event.incarnation ?? "" };
    giveUpParked(deps, round, { ...each, event: owned }, reason);
  }
  return undefined;
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

function giveUpParked(deps: Pick<RefuseDeps, "ids">, round: Round, parked: ParkedEvent, reason: string): void {
  const { event, masked } = parked;
  const why = { code: "STACK_ENDED", reason };
  unpark(round, event);
  deadLetters(deps, round, event, { ...why, masked });
  const entry = toUnreadEntry(event, { ...why, outcome: "dead-lettered", at: round.now });
  recordEvent(deps, round, { entry, sender: event.sender });
}

/**
 * Returns why an event that the state does not handle is not kept: the event before it, which led the stack here or is
 * still parked, is the same, and nothing lies between. A run lies between: where what runs leads on to a state that handles the
 * event, it is kept, so that at least one run begins after the last event. A removal that is under way is not begun again.
 */
export function findRepeat(round: Round, event: StackEvent, machine: Machine | undefined): Ignored | undefined {
  const { stack } = round;
  if (stack === undefined || event.origin !== "external") return undefined;
  const { lead = { key: "", mark: "", order: 0 } } = stack;
  const own = orderOfParked(round, event);
  // A repeated delivery: the store reports it as a duplicate when the change is committed.
  if (own < lead.order || lead.key === toEventKey(event)) return undefined;
  const mark = markOf(event);
  const earlier = findEarlier(round, event);
  if (earlier !== undefined) {
    if (earlier.mark !== mark) return undefined;
    const { id: repeats } = earlier.event;
    return { ...ignore(event, `The same event is parked: ${repeats}.`), repeats };
  }
  if (lead.mark !== mark || !isStillTrue(stack, event) || mayBeginNext(stack, event, machine)) return undefined;
  if (stack.endsFrom === undefined && machine !== undefined && isWantedAgain(stack, event.name, machine))
    return undefined;
  return ignore(event, "It repeats the event that led the stack here.");
}

/**
 * Returns true when an equal event asks for more than the one before it: while what that began runs on to a state that
 * handles the event; and once any of it has ended, where a timer or a person may lead to one too.
 */
function isWantedAgain(stack: Stack, name: string, machine: Machine): boolean {
  if (mayHandleNext(machine, stack.state, name)) return true;
  return hasEnded(stack) && mayHandleLater(machine, stack.state, name);
}

/** Returns true when something has ended that the event which led the stack here has begun. */
function hasEnded({ lead, entry, tasks }: Stack): boolean {
  if (lead?.entry === undefined) return false;
  return entry !== lead.entry || tasks.some(({ status, detail }) => status !== "PENDING" && detail !== "SKIPPED");
}

/** Returns the parked event that came last before an event, and after the one that led the stack here. */
function findEarlier(round: Round, event: StackEvent): ParkedHead | undefined {
  const { stack, parked } = round;
  const own = orderOfParked(round, event);
  return [...parked.values()].findLast(({ order = 0 }) => order > (stack?.lead?.order ?? 0) && order < own);
}

function orderOfParked({ parked }: Round, event: StackEvent): number {
  return parked.get(toEventKey(event))?.order ?? Number.POSITIVE_INFINITY;
}

/** Begins the time of a parked event again with the event that has repeated it: its sender wants it since then. */
export function renewRepeated(round: Round, event: StackEvent, { code }: Ignored | Rejected): void {
  if (code !== "EVENT_REPEATED") return;
  const head = findEarlier(round, event);
  const { parkedAt } = round.parked.get(toEventKey(event)) ?? { parkedAt: round.now };
  if (head === undefined || head.parkedAt >= parkedAt) return;
  const renewed = { tries: 1, parkedAt, nextTryAt: nextTryAt(parkedAt, round.now) };
  const key = toEventKey(head.event);
  const again = round.reparked.get(key);
  round.parked.set(key, { ...head, ...renewed });
  if (again === undefined) round.retried.set(key, { ...head, ...renewed });
  else round.reparked.set(key, { ...again, ...renewed });
}

function ignore({ name }: StackEvent, why: string): Ignored {
  return { kind: "ignored", code: "EVENT_REPEATED", reason: `"${name}" is not handled now. ${why}` };
}

/** Returns true when no later event has replaced the metadata that the event brings. */
function isStillTrue({ metadata }: Stack, event: StackEvent): boolean {
  if (!isMap(event.metadata)) return true;
  return Object.entries(event.metadata).every(([key, value]) => metadata[key] === value);
}

/** Returns true when the stack ends for another reason than the event, so that the event may begin the next one. */
function mayBeginNext({ lead, endsFrom }: Stack, event: StackEvent, machine: Machine | undefined): boolean {
  if (endsFrom === undefined || lead === undefined || lead.order >= endsFrom) return false;
  return event.machine !== undefined && machine?.states.get(INIT)?.on.has(event.name) === true;
}
