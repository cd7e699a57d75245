import { DEFAULT_PARKING, type ParkingOptions } from "../aggregate/round.ts";
import type { StackInput } from "../aggregate/stack-input.ts";
import { toErrorText } from "../errors/stackyard-error.ts";
import { DEFAULT_LIMITS, type DecideLimits } from "../machine/decide/work.ts";
import { parseEventMessage } from "../machine/event-message.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import type { Clock, Ids, Random } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Locator } from "../ports/locator.ts";
import type { DueItem, DueKind, Outcome, QueuedEvent } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import type { DeliveryOutcome, EventDelivery } from "../ports/transport.ts";
import { systemRandom } from "./built-in-ports.ts";
import { createCompileRevision, createMachineFinder, createRevisionWatch } from "./machine-finder.ts";
import { type Births, createWrittenStacks, type FinishedAttempt, type WorkDeps, workInputs } from "./work-inputs.ts";

/** What an engine works with. */
interface EngineDeps {
  readonly store: Store;
  readonly locator: Locator;
  /** Definitions of the executors that machines may name. */
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** What spreads the retries of tasks. Default: the system's. */
  readonly random?: Random;
  /** Default: every attempt goes through the queue. */
  readonly births?: Births;
}

/** What an engine does differently from its defaults. */
export interface EngineOptions {
  /**
   * Of events from outside that only the present state or machine refuses: `park` (default): decided again later.
   * `redeliver`: reported as failed, as the predecessor did; not for transports that keep an order. `drop`: recorded only.
   */
  readonly refusedEvents?: "park" | "redeliver" | "drop";
  readonly parking?: Partial<ParkingOptions>;
  readonly limits?: Partial<DecideLimits>;
  /** Lets `NEXT` in from outside (`ALLOW_EXTERNAL_NEXT`). Default: false. */
  readonly allowExternalNext?: boolean;
  /** False where a runner may work by message alone: then an attempt that is not claimed may be running. Default: true. */
  readonly everyRunnerClaims?: boolean;
  /** A delivery that failed so often is dead-lettered. Default: 10. */
  readonly maxDeliveries?: number;
}

/** The only writer of stacks: load, decide, commit. */
export interface Engine {
  /** Handles deliveries of events; those of one stack in their order. Outcomes in the same order. */
  handle(deliveries: readonly EventDelivery[]): Promise<readonly DeliveryOutcome[]>;
  /**
   * Applies results of attempts that this process holds, each by the commit that ends its attempt. `retry`: nothing was
   * written, because events of the stack come first, the attempt has another owner, or the store has failed: settle it.
   */
  finish(finished: readonly FinishedAttempt[]): Promise<readonly DeliveryOutcome[]>;
  /**
   * Works what time has made due (timers, deadlines, parked events), and what a machine's new revision may allow now.
   * Gives how many items were worked.
   */
  sweep(): Promise<number>;
  /**
   * Works items that `takeDue` gave to somebody, perhaps before their time, as far as they are due now; what has become of
   * their stacks and attempts meanwhile counts. Outcomes in their order; of kinds that no engine works: done.
   */
  workDue(items: readonly DueItem[]): Promise<readonly DeliveryOutcome[]>;
  /** Works what a machine's new revision may allow now, without a look at what time has made due. */
  sweepRevised(): Promise<number>;
}

const DUE_KINDS: readonly DueKind[] = ["timer", "deadline", "parked"];
const SWEEP_LIMIT = 256;
const SWEEP_LEASE_MS = 30_000;

/** An engine over a store. */
export function createEngine(deps: EngineDeps, options: EngineOptions = {}): Engine {
  const finder = createMachineFinder({
    locator: deps.locator,
    clock: deps.clock,
    revisions: deps.store.revisions,
    compile: createCompileRevision(deps.executors),
    onLocated: (name, located) => watch.note(name, located),
  });
  const watch = createRevisionWatch({
    locator: deps.locator,
    store: deps.store,
    clock: deps.clock,
    pins: finder.pins,
  });
  const { store, clock, logger } = deps;
  const apply = toApplyOptions(deps, options);
  const written = createWrittenStacks();
  const work = (inputs: readonly StackInput[]) =>
    workInputs({ store, clock, logger, finder, apply, written, births: deps.births }, inputs);

  async function sweepDue(): Promise<number> {
    const now = clock.now();
    const due = await store.takeDue({ kinds: DUE_KINDS, now, limit: SWEEP_LIMIT, leaseMs: SWEEP_LEASE_MS });
    await work(due.flatMap(toInputs).sort(byUrgency));
    return due.length;
  }

  async function sweepRevised(): Promise<number> {
    try {
      const revised = await watch.takeRevised();
      await work(revised);
      return revised.length;
    } catch (error) {
      // Whatever is parked is tried again by time too.
      logger.warn("Machines could not be looked at for newer revisions.", { error });
      return 0;
    }
  }

  return {
    handle: (deliveries) =>
      work(deliveries.map((delivery) => ({ kind: "delivery", stackId: delivery.event.stackId, delivery }))),
    finish: (finished) => work(finished.map((each) => ({ kind: "result", ...each }))),
    sweep: async () => (await sweepDue()) + (await sweepRevised()),
    workDue: (items) => workDue({ store, clock, work }, items),
    sweepRevised,
  };
}

function toApplyOptions({ ids, random = systemRandom }: EngineDeps, options: EngineOptions): WorkDeps["apply"] {
  return {
    ids,
    random,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    parking: { ...DEFAULT_PARKING, ...options.parking },
    refusedEvents: options.refusedEvents ?? "park",
    allowExternalNext: options.allowExternalNext ?? false,
    everyRunnerClaims: options.everyRunnerClaims ?? true,
    maxDeliveries: options.maxDeliveries ?? 10,
  };
}

/** What ends an attempt comes before what its end may arm or drop. */
function byUrgency(a: StackInput, b: StackInput): number {
  return Number(b.kind === "deadline") - Number(a.kind === "deadline");
}

/** What working due items needs. */
interface WorkDueDeps {
  readonly store: Pick<Store, "findAttempt">;
  readonly clock: Clock;
  readonly work: (inputs: readonly StackInput[]) => Promise<readonly DeliveryOutcome[]>;
}

const DONE: DeliveryOutcome = { kind: "done" };

/**
 * Works items that were taken a while ago, or before their time. Timers and parked events are looked at in the stack as it
 * is; a deadline would be believed, so whether it still stands is asked first: a claim or a wait for a key moves it.
 */
async function workDue(deps: WorkDueDeps, items: readonly DueItem[]): Promise<readonly DeliveryOutcome[]> {
  const looked = await Promise.all(items.map((item) => lookAt(deps, item)));
  const outcomes = looked.map((found) => ("kind" in found ? found : DONE));
  const inputs = looked.flatMap((found, index) =>
    "kind" in found ? [] : found.inputs.map((input) => ({ index, input })),
  );
  // What ends an attempt comes before what its end may arm or drop.
  inputs.sort((a, b) => Number(b.input.kind === "deadline") - Number(a.input.kind === "deadline"));
  const worked = await deps.work(inputs.map(({ input }) => input));
  for (const [place, { index }] of inputs.entries()) outcomes[index] = worked[place] ?? DONE;
  return outcomes;
}

async function lookAt(
  deps: WorkDueDeps,
  item: DueItem,
): Promise<DeliveryOutcome | { readonly inputs: readonly StackInput[] }> {
  try {
    const stands = item.kind !== "deadline" || (await isPassed(deps, item));
    return { inputs: stands ? toInputs(item) : [] };
  } catch (error) {
    return { kind: "retry", reason: toErrorText(error) };
  }
}

async function isPassed(
  { store, clock }: WorkDueDeps,
  { attemptId, why }: Extract<DueItem, { kind: "deadline" }>,
): Promise<boolean> {
  const attempt = await store.findAttempt(attemptId);
  if (attempt === undefined || attempt.status === "settled") return false;
  // After a cancel request only the deadline of the cancel counts, which never moves.
  if (attempt.cancelling !== undefined) return why === "cancel";
  return why === "deadline" && attempt.status !== "queued" && attempt.deadlineAt <= clock.now();
}

/** A due item as the engine works it; none for kinds that others work. */
function toInputs(item: DueItem): readonly StackInput[] {
  switch (item.kind) {
    case "timer":
      return [{ kind: "timers", stackId: item.stackId }];
    case "parked":
      return [{ kind: "parked", stackId: item.stackId }];
    case "deadline": {
      const { stackId, attemptId, task, why } = item;
      return [{ kind: "deadline", stackId, attemptId, task, why }];
    }
    default:
      return [];
  }
}

/** What became of a message at the door. */
type PublishResult =
  | { readonly kind: "accepted"; readonly eventId: string; readonly stackId: string }
  | DuplicateResult
  | { readonly kind: "invalid"; readonly code: "EVENT_INVALID" | "EVENT_RESERVED"; readonly reason: string };

/** The id was used before for an event of the same stack: nothing was queued. */
interface DuplicateResult {
  readonly kind: "duplicate";
  readonly code: "DUPLICATE";
  readonly eventId: string;
  readonly stackId: string;
  readonly reason: string;
  /** What the id was used for. Absent: that event is not decided yet, or its history is pruned. */
  readonly usedFor?: EventUse;
}

/** A decided event and its final outcome. */
interface EventUse {
  readonly event: string;
  readonly outcome: Outcome;
  /** When it was last decided. */
  readonly at: number;
}

/** What the door knows about messages. */
interface PublishOptions {
  /** Who sends them. */
  readonly actor?: string;
  /** Lets `NEXT` in, for an engine that does too. Default: false. */
  readonly allowExternalNext?: boolean;
}

/**
 * Parses event messages and queues those that are well formed, in one commit. Results in the order of the messages. An id
 * that its stack knows is reported with what it was used for, as far as the store knows the ids.
 */
export async function publishMessages(
  deps: { readonly store: Pick<Store, "enqueue" | "queries">; readonly clock: Clock; readonly ids: Ids },
  messages: readonly unknown[],
  { actor, allowExternalNext = false }: PublishOptions = {},
): Promise<readonly PublishResult[]> {
  const events: QueuedEvent[] = [];
  const at = deps.clock.now();
  const results = messages.map((message): PublishResult => {
    const parsed = parseEventMessage(message, { messageId: deps.ids.next(), at, allowExternalNext });
    if (parsed.kind === "invalid") return { kind: "invalid", code: parsed.code, reason: parsed.reason };
    const { id, stackId, message: body = {} } = parsed.event;
    events.push({
      id,
      stackId,
      origin: "external",
      receivedAt: at,
      message: body,
      ...(actor === undefined ? {} : { actor }),
    });
    return { kind: "accepted", eventId: id, stackId };
  });
  const added = events.length === 0 ? [] : await deps.store.enqueue(events);
  let next = 0;
  return Promise.all(
    results.map((result) => {
      if (result.kind !== "accepted" || added[next++] !== false) return result;
      return toDuplicate(deps.store, result);
    }),
  );
}

// An event has few lines: when it was parked, and its final outcome.
const LINES = 16;

async function toDuplicate(
  store: Pick<Store, "queries">,
  { eventId, stackId }: Extract<PublishResult, { kind: "accepted" }>,
): Promise<DuplicateResult> {
  const { items } = await store.queries.listHistory({ stackId, eventId, newestFirst: true }, { limit: LINES });
  const duplicate = { kind: "duplicate", code: "DUPLICATE", eventId, stackId } as const;
  // A result or a timer may have the same id.
  const last = items.find(({ internal }) => internal !== true);
  if (last === undefined) {
    const reason = `The id "${eventId}" was used before for an event of "${stackId}". It is not decided yet, or its history is pruned.`;
    return { ...duplicate, reason };
  }
  const { event, outcome, at } = last;
  const reason = `The id "${eventId}" was used before for ${event} of "${stackId}" (${outcome}, ${new Date(at).toISOString()}). Nothing was sent again.`;
  return { ...duplicate, reason, usedFor: { event, outcome, at } };
}
