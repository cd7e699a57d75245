import { parseAttemptId } from "../machine/attempt-id.ts";
import { type Decision, effectOf, sentBy } from "../machine/decide/decision.ts";
import { dueTimers } from "../machine/decide/timers.ts";
import { type StackEvent, toEventKey } from "../machine/event-message.ts";
import { toShownMetadata } from "../machine/secrets.ts";
import { shortHashOf } from "../machine/short-hash.ts";
import type { Stack } from "../machine/stack.ts";
import type { Change, LoadedStack, ParkedEvent } from "../ports/stack-store.ts";
import type { ApplyInputs, ApplyOptions, DecidedEvent } from "./apply-options.ts";
import { followChange } from "./follow-change.ts";
import { isNeeds, type Needs } from "./parked-tries.ts";
import type { StackInput } from "./stack-input.ts";

/** One event of a plan, and what it would do. */
export interface PlannedEvent {
  readonly event: string;
  /** Why it is decided. `own`: it is what is planned. */
  readonly cause: "own" | "timer" | "parked" | "raised";
  readonly outcome: Exclude<DecidedEvent["outcome"], "parked-again">;
  readonly code?: string;
  readonly reason?: string;
  /** The state of the stack afterwards; null when it does not exist. */
  readonly state: string | null;
  /** Tasks that are sent. */
  readonly sent: readonly string[];
  /** Tasks whose attempts are requested to stop. */
  readonly cancelled: readonly string[];
}

/** The plan of inputs at one instant, with all that follows from them at that instant. */
export interface InputPlan {
  /** In the order in which they are decided. */
  readonly events: readonly PlannedEvent[];
  /** Those events without the one that is planned, if one is. */
  readonly follows: readonly PlannedEvent[];
  /** The stack at the end; undefined when none exists. */
  readonly stack: Stack | undefined;
  /** The change by the inputs alone, without what follows. */
  readonly change: Change;
  /** The same as long as the stack is the same and the same events would follow: 32 hexadecimal digits. */
  readonly digest: string;
}

/**
 * Plans inputs: applies them, and then what is due at the same instant, until nothing is: timers whose instant has passed, and
 * parked events. The engine does the same within a second. Pure. `apply`: `applyInputs`, which plans too.
 */
export function planInputs(
  apply: ApplyInputs,
  aggregate: LoadedStack,
  inputs: readonly StackInput[],
  options: ApplyOptions,
): InputPlan | Needs {
  const parkedEvents = new Map<string, ParkedEvent>(options.parkedEvents);
  const knownIds = new Set(options.knownIds);
  const events: PlannedEvent[] = [];
  let change: Change | undefined;
  let loaded = aggregate;
  let next = inputs;
  for (let rounds = 0; next.length > 0 && rounds < options.limits.entriesPerEvent; rounds += 1) {
    const waiting = new Set(loaded.parked.map(({ event }) => toEventKey(event)));
    const applied = apply(loaded, next, { ...options, parkedEvents, knownIds });
    if (isNeeds(applied)) return applied;
    for (const error of applied.faults.values()) throw error;
    events.push(...applied.decided.flatMap((each) => toPlanned(each, waiting)));
    change ??= applied.change;
    for (const each of applied.change.park) parkedEvents.set(toEventKey(each.event), each);
    for (const key of applied.change.appliedIds) knownIds.add(key);
    loaded = followChange(loaded, applied.change);
    next = listDue(loaded, options.now);
  }
  if (change === undefined) throw new RangeError("A plan has at least one input.");
  const { stack } = loaded;
  const follows = inputs.some(({ kind }) => kind === "delivery") ? events.slice(1) : events;
  return { events, follows, stack, change, digest: digestOf(aggregate, events, stack) };
}

/** Returns the line of an event in the history of a change, apart from those of what follows from it. */
export function findOwnLine(
  { history }: Pick<Change, "history">,
  eventId: string,
): Change["history"][number] | undefined {
  return history.find((line) => line.eventId === eventId && line.internal !== true);
}

function listDue({ stackId, stack, parked }: LoadedStack, now: number): readonly StackInput[] {
  const hasTimer = dueTimers(stack, now).length > 0;
  const hasParked = parked.some(({ nextTryAt }) => nextTryAt <= now);
  return [
    ...(hasTimer ? [{ kind: "timers", stackId } as const] : []),
    ...(hasParked ? [{ kind: "parked", stackId } as const] : []),
  ];
}

function toPlanned({ event, decision, outcome, stack }: DecidedEvent, waiting: ReadonlySet<string>) {
  if (outcome === "parked-again") return [];
  const why = decision.kind === "applied" ? {} : { code: decision.code, reason: decision.reason };
  const planned: PlannedEvent = {
    event: event.name,
    cause: causeOf(event, waiting),
    outcome,
    ...why,
    state: stack?.state ?? null,
    ...listWork(decision),
  };
  return [planned];
}

function causeOf(event: StackEvent, waiting: ReadonlySet<string>): PlannedEvent["cause"] {
  if (waiting.has(toEventKey(event))) return "parked";
  if (event.timerId !== undefined) return "timer";
  return event.raised === undefined ? "own" : "raised";
}

function listWork(decision: Decision): Pick<PlannedEvent, "sent" | "cancelled"> {
  const effect = effectOf(decision);
  const { cancels = [] } = effect ?? {};
  const cancelled = cancels.flatMap(({ attemptId }) => parseAttemptId(attemptId)?.task ?? []);
  return { sent: effect === undefined ? [] : sentBy(effect), cancelled: [...new Set(cancelled)] };
}

/** Instants are not in it: a plan stays the same while time passes, until a timer is due. */
function digestOf({ stackId, stack, parked }: LoadedStack, events: readonly PlannedEvent[], end?: Stack): string {
  const waiting = parked.map(({ event }) => toEventKey(event)).sort();
  const steps = events.map(({ reason: _, ...event }) => event);
  const after = [end?.machineHash, end?.entry, end?.state];
  return shortHashOf(JSON.stringify([stackId, stack && factsOf(stack), waiting, steps, after]));
}

/** One of many plans that are shown together. */
export interface ManyPlanned {
  readonly id: string;
  readonly outcome: string;
  readonly code?: string | undefined;
  readonly digest?: string | undefined;
}

/** Returns the digest of what is planned for many stacks or events, in any order. `what`: what would be done to each. */
export function digestOfPlans(what: unknown, plans: readonly ManyPlanned[]): string {
  const rows = plans.map(({ id, outcome, code, digest }) => JSON.stringify([id, outcome, code, digest]));
  return shortHashOf(JSON.stringify([what, rows.sort()]));
}

function factsOf(stack: Stack): unknown {
  const { incarnation, entry, machineHash, state, tasks } = stack;
  // The references of sensitive values, which change with them.
  const metadata = Object.entries(toShownMetadata(stack)).sort(([a], [b]) => (a < b ? -1 : 1));
  return [incarnation, entry, machineHash, state, tasks.map(({ name, status }) => [name, status]), metadata];
}
