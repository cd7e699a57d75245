import type { Sender } from "../access/sender.ts";
import { DEFAULT_PARKING, type ParkingOptions } from "../aggregate/parking.ts";
import type { StackInput } from "../aggregate/stack-input.ts";
import { StackyardError, toErrorText } from "../errors/stackyard-error.ts";
import { findLastDecision } from "../inspect/last-decision.ts";
import { DEFAULT_LIMITS, type DecideLimits } from "../machine/decide/work.ts";
import { isSameContent, toContent } from "../machine/event-content.ts";
import { type ParsedEvent, parseEventMessage, type StackEvent } from "../machine/event-message.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import { defined } from "../machine/json.ts";
import { mapLimited } from "../map-limited.ts";
import type { Clock, Ids, Random } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Locator } from "../ports/locator.ts";
import type { CorrectedAttempt, Outcome, QueuedEvent } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import type { DeliveryOutcome, EventDelivery } from "../ports/transport.ts";
import type { DueItem, DueKind } from "../ports/work-queue.ts";
import type { Births, FinishedAttempt } from "./births.ts";
import { systemRandom } from "./built-in-ports.ts";
import { createMachineFinder } from "./machines/machine-finder.ts";
import { createCompileRevision } from "./machines/revision-cache.ts";
import { createRevisionWatch } from "./machines/revision-watch.ts";
import { walkMistimed } from "./mistimed-stacks.ts";
import { processStacks, type WorkDeps } from "./process-stacks.ts";
import { createWrittenStacks } from "./written-stacks.ts";
import { findWaitingLimits } from "./yard-absences.ts";

/** Dependencies of an engine. */
interface EngineDeps {
  readonly store: Store;
  readonly locator: Locator;
  /** Definitions of the executors that machines may name. */
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Draws the random part of retry delays. Default: the system's generator. */
  readonly random?: Random;
  /** Claims attempts for this process when they begin. Default: every attempt passes through the queue. */
  readonly births?: Births;
}

/** Options of an engine. */
export interface EngineOptions {
  /**
   * The treatment of external events that only the present state or machine refuses. `park` (default): they are decided
   * again later. `redeliver`: they are reported as failed, as in the predecessor; not for transports that keep the
   * order. `drop`: they are only recorded.
   */
  readonly refusedEvents?: "park" | "redeliver" | "drop";
  /** The limits within which parked events are decided again. Default: for an hour. */
  readonly parking?: Partial<ParkingOptions>;
  /** Bounds of one decision, such as the number of moves that one event may cause. */
  readonly limits?: Partial<DecideLimits>;
  /** Accepts an external `NEXT` (`ALLOW_EXTERNAL_NEXT`). Default: false. */
  readonly allowExternalNext?: boolean;
  /** False if a runner may work by message only: then an attempt that is not claimed may be running. Default: true. */
  readonly everyRunnerClaims?: boolean;
  /** The number of failed deliveries after which an event is dead-lettered. Default: 10. */
  readonly maxDeliveries?: number;
}

/** The only writer of stacks: load, decide, commit. */
export interface Engine {
  /** Applies deliveries of events; those of one stack in their order. Returns their outcomes in the same order. */
  handle(deliveries: readonly EventDelivery[]): Promise<readonly DeliveryOutcome[]>;
  /**
   * Applies results of attempts that this process holds, each with the commit that ends its attempt. Returns `retry`
   * when it wrote nothing, because events of the stack come first, the attempt has another owner, or the store failed.
   * The caller then settles the attempt.
   */
  finish(finished: readonly FinishedAttempt[]): Promise<readonly DeliveryOutcome[]>;
  /**
   * Applies due timers, deadlines and parked events, and decides again the events that a new revision of a machine may
   * now allow. Returns the number of items.
   */
  sweep(): Promise<number>;
  /**
   * Applies items that a caller received from `takeDue`, perhaps before they were due. Checks the present stacks and
   * attempts, and skips items that are not due any longer, or not yet. Returns the outcomes in the order of the items;
   * `done` for kinds that the engine does not apply.
   */
  processDue(items: readonly DueItem[]): Promise<readonly DeliveryOutcome[]>;
  /** Decides again the events that a new revision of a machine may now allow. Does not apply other due work. */
  sweepRevised(): Promise<number>;
  /**
   * Corrects the instants that a clock has noted that was ahead, such as those of timers, when it was set back. Throws
   * when a stack could not be corrected.
   */
  sweepMistimed(): Promise<void>;
  /** Writes the attempts that the store has corrected into the history of their stacks. */
  noteCorrected(attempts: readonly CorrectedAttempt[]): Promise<void>;
}

const DUE_KINDS: readonly DueKind[] = ["timer", "deadline", "parked"];
const SWEEP_LIMIT = 256;
const SWEEP_LEASE_MS = 30_000;

/** Creates an engine over a store. */
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
    isUsable: async (hash) => (await finder.findRevision(hash)) !== undefined,
  });
  const { store, clock, logger } = deps;
  const apply = toApplyOptions(deps, options);
  const written = createWrittenStacks();
  store.watch(({ kind }) => {
    if (kind !== "moved") return;
    written.forget();
    finder.forget();
  });
  const work = (inputs: readonly StackInput[]) =>
    processStacks({ store, clock, logger, finder, apply, written, births: deps.births }, inputs);

  async function workInOrder(inputs: readonly StackInput[]): Promise<readonly DeliveryOutcome[]> {
    const outcomes = await work(inputs);
    return inputs.map((input) => outcomes.get(input) ?? DONE);
  }

  async function sweepDue(): Promise<number> {
    const now = clock.now();
    const due = await store.takeDue({ kinds: DUE_KINDS, now, limit: SWEEP_LIMIT, leaseMs: SWEEP_LEASE_MS });
    const waits = await findWaitingLimits(store.records, due, now);
    await work(
      due
        .filter((item) => !waits.has(item))
        .flatMap(toInputs)
        .sort(byUrgency),
    );
    return due.length;
  }

  async function sweepRevised(): Promise<number> {
    try {
      const revised = await watch.takeRevised();
      await work(revised);
      return revised.length;
    } catch (error) {
      // Parked events are also retried at intervals.
      logger.warn("Could not check machines for newer revisions.", { error });
      return 0;
    }
  }

  async function sweepMistimed(): Promise<void> {
    for await (const ids of walkMistimed(store, clock.now())) {
      const outcomes = await workInOrder(ids.map((stackId) => ({ kind: "timers", stackId })));
      const failed = outcomes.find(({ kind }) => kind === "retry");
      if (failed?.kind === "retry") throw new StackyardError("STORE_UNAVAILABLE", failed.reason);
    }
  }

  async function noteCorrected(attempts: readonly CorrectedAttempt[]): Promise<void> {
    const byStack = Map.groupBy(attempts, ({ stackId }) => stackId);
    await work([...byStack].map(([stackId, own]) => ({ kind: "corrected", stackId, attempts: own })));
  }

  return {
    handle: (deliveries) =>
      workInOrder(deliveries.map((delivery) => ({ kind: "delivery", stackId: delivery.event.stackId, delivery }))),
    finish: (finished) => workInOrder(finished.map((each) => ({ kind: "result", ...each }))),
    sweep: async () => (await sweepDue()) + (await sweepRevised()),
    processDue: (items) => processDue({ store, clock, work }, items),
    sweepRevised,
    sweepMistimed,
    noteCorrected,
  };
}

/** Returns the options with every default filled in. A dry run that shall show what the engine does takes them from here, too. */
export function toApplyOptions(
  { ids, random = systemRandom }: Pick<EngineDeps, "ids" | "random">,
  options: EngineOptions = {},
): WorkDeps["apply"] {
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

/** Orders deadlines first: they end attempts, and that may arm or drop timers. */
function byUrgency(a: StackInput, b: StackInput): number {
  return Number(b.kind === "deadline") - Number(a.kind === "deadline");
}

/** Dependencies of `processDue`. */
interface ProcessDueDeps {
  readonly store: Pick<Store, "findAttempt" | "records">;
  readonly clock: Clock;
  readonly work: (inputs: readonly StackInput[]) => Promise<ReadonlyMap<StackInput, DeliveryOutcome>>;
}

const DONE: DeliveryOutcome = { kind: "done" };

/**
 * Applies items that were received a while ago, or before they were due. Timers and parked events are checked against
 * the loaded stack. A deadline would be applied without such a check, so its attempt is read first: a claim or a wait
 * for a key moves the deadline.
 */
async function processDue(deps: ProcessDueDeps, items: readonly DueItem[]): Promise<readonly DeliveryOutcome[]> {
  let waits: ReturnType<typeof findWaitingLimits> | undefined;
  const findWaits = () => {
    waits ??= findWaitingLimits(deps.store.records, items, deps.clock.now());
    return waits;
  };
  const looked = await Promise.all(items.map((item) => lookAt(deps, item, findWaits)));
  const outcomes = await deps.work(looked.flatMap((found) => ("kind" in found ? [] : found.inputs)).sort(byUrgency));
  return looked.map((found) => {
    if ("kind" in found) return found;
    const [input] = found.inputs;
    return (input && outcomes.get(input)) ?? DONE;
  });
}

async function lookAt(
  deps: ProcessDueDeps,
  item: DueItem,
  findWaits: () => ReturnType<typeof findWaitingLimits>,
): Promise<DeliveryOutcome | { readonly inputs: readonly StackInput[] }> {
  try {
    const stands = item.kind !== "deadline" || ((await isPassed(deps, item)) && !(await findWaits()).has(item));
    return { inputs: stands ? toInputs(item) : [] };
  } catch (error) {
    return { kind: "retry", reason: toErrorText(error) };
  }
}

async function isPassed(
  { store, clock }: ProcessDueDeps,
  { attemptId, why }: Extract<DueItem, { kind: "deadline" }>,
): Promise<boolean> {
  const attempt = await store.findAttempt(attemptId);
  if (attempt === undefined || attempt.status === "settled") return false;
  // After a cancel request only the deadline of the cancel counts, which never moves.
  if (attempt.cancelling !== undefined) return why === "cancel";
  return why === "deadline" && attempt.status !== "queued" && attempt.deadlineAt <= clock.now();
}

/** Converts a due item to inputs of the engine; an empty list for kinds that the worker or the relay handles. */
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

/** The result of one published message. */
export type PublishResult =
  | { readonly kind: "accepted"; readonly eventId: string; readonly stackId: string }
  | DuplicateResult
  | {
      readonly kind: "invalid";
      readonly code: "EVENT_INVALID" | "EVENT_RESERVED" | "MACHINE_UNKNOWN";
      readonly reason: string;
    };

/** The id was used before for an event of the same stack, so the event was not queued. */
interface DuplicateResult {
  readonly kind: "duplicate";
  readonly code: "DUPLICATE";
  readonly eventId: string;
  readonly stackId: string;
  readonly reason: string;
  /** The event that the id was used for. Missing if that event is not decided yet, or its history is pruned. */
  readonly usedFor?: EventUse;
}

/** A decided event and its final outcome. */
interface EventUse {
  readonly event: string;
  readonly outcome: Outcome;
  /** When it was last decided. */
  readonly at: number;
  /** It had the content of this message. False: this one is another event, and is lost. */
  readonly same: boolean;
}

/** The facts about messages that their receiver adds. */
interface PublishOptions {
  /** The name of who sends them, for histories. Default: the name of `sender`. */
  readonly actor?: string;
  /** Who sends them, as the caller has verified. A program that embeds the yard names itself, with the kind `host`. */
  readonly sender?: Sender;
  /** Accepts `NEXT`, for an engine with the same option. Default: false. */
  readonly allowExternalNext?: boolean;
  /** The messages are those of an operation of the yard: see `QueuedEvent.own`. */
  readonly own?: true;
  /** How long the sender waits for the first decision, in milliseconds: see `QueuedEvent.awaitedUntil`. */
  readonly awaitsMs?: number;
  /** Returns why an event may not name this machine: the yard has never had it. Default: the engine parks such an event. */
  readonly findNeverKnown?: (machine: string) => Promise<StackyardError | undefined>;
}

// The form of `toBulkEventId`. An event from outside with this form of id would keep the bulk operation from its stack.
const BULK_EVENT_ID = /^bulk-[0-9A-HJKMNP-TV-Z]{26}-\d{1,5}$/;

/**
 * Parses event messages and queues the valid ones in one commit. Returns the results in the order of the messages. An
 * id that its stack has seen before is reported with the event that used it, if the store can check ids.
 */
export async function publishMessages(
  deps: { readonly store: Pick<Store, "enqueue" | "queries">; readonly clock: Clock; readonly ids: Ids },
  messages: readonly unknown[],
  { sender, actor = sender?.name, allowExternalNext = false, own, awaitsMs, findNeverKnown }: PublishOptions = {},
): Promise<readonly PublishResult[]> {
  const events: QueuedEvent[] = [];
  const at = deps.clock.now();
  const parsed = messages.map((message) =>
    parseEventMessage(message, { messageId: deps.ids.next(), at, allowExternalNext }),
  );
  const neverKnown = await findUnknown(parsed, findNeverKnown);
  const awaitedUntil = awaitsMs === undefined ? undefined : at + awaitsMs;
  const results = parsed.map((each): PublishResult => {
    if (each.kind === "invalid") return { kind: "invalid", code: each.code, reason: each.reason };
    const refused = findRefusal(each.event, neverKnown);
    if (refused !== undefined) return refused;
    const { id, stackId, message = {} } = each.event;
    const facts = defined({ actor, sender, own, awaitedUntil });
    events.push({ id, stackId, origin: "external", receivedAt: at, message, ...facts });
    return { kind: "accepted", eventId: id, stackId };
  });
  const added = events.length === 0 ? [] : await deps.store.enqueue(events);
  let next = 0;
  return Promise.all(
    results.map((result) => {
      if (result.kind !== "accepted") return result;
      const sent = events[next];
      return added[next++] === false && sent !== undefined ? toDuplicate(deps.store, result, sent) : result;
    }),
  );
}

/** Returns why the machines that events name were never known, by their names. */
async function findUnknown(
  parsed: readonly ParsedEvent[],
  find: PublishOptions["findNeverKnown"],
): Promise<ReadonlyMap<string, string>> {
  if (find === undefined) return new Map();
  const named = parsed.flatMap((each) => (each.kind === "event" ? [each.event.machine ?? ""] : []));
  const names = [...new Set(named)].filter((name) => name !== "");
  const found = await mapLimited(names, 10, async (name) => [name, (await find(name))?.message] as const);
  return new Map(found.flatMap(([name, reason]) => (reason === undefined ? [] : [[name, reason] as const])));
}

/** Returns why an event cannot be queued. */
function findRefusal(
  { id, machine = "" }: StackEvent,
  neverKnown: ReadonlyMap<string, string>,
): Extract<PublishResult, { kind: "invalid" }> | undefined {
  if (BULK_EVENT_ID.test(id)) {
    const reason = `Ids such as "${id}" are reserved for bulk operations. Send the event with another id.`;
    return { kind: "invalid", code: "EVENT_RESERVED", reason };
  }
  const unknown = neverKnown.get(machine);
  if (unknown === undefined) return undefined;
  return { kind: "invalid", code: "MACHINE_UNKNOWN", reason: `${unknown} Nothing was sent.` };
}

async function toDuplicate(
  store: Pick<Store, "queries">,
  { eventId, stackId }: Extract<PublishResult, { kind: "accepted" }>,
  { message }: QueuedEvent,
): Promise<DuplicateResult> {
  const duplicate = { kind: "duplicate", code: "DUPLICATE", eventId, stackId } as const;
  const last = await findLastDecision(store, { stackId, eventId });
  if (last === undefined) {
    const reason = `The id "${eventId}" was used before for an event of "${stackId}". It is not decided yet, or its history is pruned.`;
    return { ...duplicate, reason };
  }
  const { event, outcome, at } = last;
  const content = toContent(message);
  const same = isSameContent(last, content);
  const other = same || content.event !== event ? "" : " with other content";
  const reason = `The id "${eventId}" was used before for ${event} of "${stackId}"${other} (${outcome}, ${new Date(at).toISOString()}). Nothing was sent again.`;
  return { ...duplicate, reason, usedFor: { event, outcome, at, same } };
}
